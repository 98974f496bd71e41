# Recipes for development. Start with `just sync`; CI runs `just check`.

venv := env("VIRTUAL_ENV", ".venv")
python := venv / "bin/python"
schema := python + " -m check_jsonschema -q --builtin-schema vendor"
pins := venv / "bin/uv pip compile -q --universal --python-version 3.10 --generate-hashes --no-emit-index-url"

# list the recipes
_default:
    @just --list --unsorted

# create .venv with the pinned packages and this project (another interpreter: `just sync python3.12`)
sync interpreter="python3":
    {{interpreter}} requirements/check_python.py
    {{interpreter}} -m venv .venv
    .venv/bin/pip install -q --no-deps -r requirements/dev.txt
    .venv/bin/pip install -q --no-deps --no-build-isolation -e .

# run ruff's linter and formatter (`just lint --fix`), and check GitHub's files
lint *args: lint-github
    {{python}} -m ruff check {{args}}
    {{python}} -m ruff format {{ if args == "--fix" { "" } else { "--check" } }}

# check workflows, forms and CITATION.cff by their schemas, and the permissions and pins of workflows
lint-github:
    {{schema}}.github-workflows .github/workflows/ci.yml .github/workflows/release.yml
    {{schema}}.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
    {{schema}}.github-issue-config .github/ISSUE_TEMPLATE/config.yml
    {{schema}}.dependabot .github/dependabot.yml
    {{schema}}.citation-file-format CITATION.cff
    {{venv}}/bin/zizmor -q --offline .github

# run mypy --strict and pyright on everything
type:
    {{python}} -m mypy
    {{python}} -m pyright --pythonpath {{python}}

# run pytest
test *args:
    {{python}} -m pytest {{args}}

# run the fast tests, in about a minute on two idle cores
test-fast *args:
    {{python}} -m pytest -q -n 2 --dist loadfile -m "not fault and not once and not slow" --hypothesis-profile few {{args}}

# run the tests of cluster failures ten times, with real processes
faults *args:
    for turn in 1 2 3 4 5 6 7 8 9 10; do {{python}} -m pytest -q -m fault {{args}} || exit 1; done

# run pytest with branch coverage
cov *args:
    {{python}} -m pytest --cov {{args}}

# write generated/ from the installed flyteidl (`just codegen --check` only compares)
codegen *args:
    {{python}} -m codegen {{args}}

# write the tables in documents and modules that are derived from code (`just tables --check` only compares)
tables *args:
    {{python}} -m docs.tables {{args}}

# run pytest with the oldest versions that pyproject.toml allows
lowest *args:
    {{venv}}/bin/uv venv -q --clear --seed .venv-lowest
    {{venv}}/bin/uv pip install -q --python .venv-lowest/bin/python --resolution lowest-direct -e ".[examples]" --group dev
    .venv-lowest/bin/python -m pytest {{args}}

# run the tests of Flyte 2 with the oldest SDK that pyproject.toml allows
flyte2-oldest *args:
    {{python}} -m venv --clear .venv-flyte2
    .venv-flyte2/bin/pip install -q --no-deps -r requirements/dev.txt
    .venv-flyte2/bin/pip install -q --no-deps -r requirements/flyte2-oldest.txt
    .venv-flyte2/bin/pip install -q --no-deps --no-build-isolation -e .
    .venv-flyte2/bin/python -m pytest tests/flyte2 tests/contracts/test_flyte.py {{args}}

# run all checks
check: lint type (codegen "--check") (tables "--check") docs test

# run the README's two commands as on a new machine (`just fresh --main-job`; other args are pytest's)
[positional-arguments]
fresh *args:
    .ci/fresh "$@"

# run pytest against the installed wheel, without the sources
[positional-arguments]
wheel-test *args:
    {{python}} -m venv --clear .venv-wheel
    .venv-wheel/bin/pip install -q --no-deps -r requirements/dev.txt
    .ci/wheel .venv-wheel/bin/python "$@"

# build the documentation into site/ (`just docs serve` serves it at 127.0.0.1:8000, with live reload)
docs command="build":
    {{python}} -m pip install -q --no-deps -r requirements/docs.txt
    NO_MKDOCS_2_WARNING=1 {{python}} -m mkdocs {{command}} --strict

# build sdist and wheel into dist/
build:
    {{python}} -m build --no-isolation

# prepare a release up to its upload, and build it into dist/ (`just release 0.2.0`)
release version:
    {{python}} -m pip install -q --no-deps -r requirements/docs.txt -r requirements/release.txt
    .ci/release {{python}} {{quote(version)}}

# compare with the official plugin, and write bench/results.md (one section: `just bench packaging`)
bench *sections:
    {{python}} -m bench {{sections}}

# write the pictures of diagrams in documents (needs Chromium and npm)
diagrams:
    {{python}} -m tests.support.diagrams

# take the documentation's pictures of real tasks' decks (needs Chromium)
picture:
    {{python}} -m tests.support.picture

# record tests/recorded/official_plugin/templates.json from the official plugin, in a separate venv
golden:
    {{python}} -m tests.recorded.official_plugin.record

# record tests/recorded/official_plugin/quantities.json from Kubernetes' own parser (needs kubectl)
golden-quantities:
    {{python}} -m tests.recorded.official_plugin.quantities

# update the pins in requirements/*.txt
pin *args:
    {{pins}} {{args}} pyproject.toml --group dev --extra examples -o requirements/dev.txt
    {{pins}} {{args}} --group docs -c requirements/dev.txt --no-annotate -o requirements/docs.txt
    {{pins}} {{args}} --group release -c requirements/dev.txt --no-annotate -o requirements/release.txt
    {{pins}} {{args}} pyproject.toml --group build --extra examples -c requirements/dev.txt --no-annotate -o requirements/examples.txt
    {{pins}} {{args}} requirements/official.in -c requirements/dev.txt --no-annotate -o requirements/official.txt
    {{pins}} {{args}} pyproject.toml -c requirements/dev.txt --no-annotate -o requirements/plain.txt
    {{pins}} {{args}} requirements/dask.in -c requirements/dev.txt --no-annotate -o requirements/dask.txt
    {{pins}} {{args}} requirements/oldest.in --no-annotate -o requirements/oldest.txt
    {{pins}} {{args}} requirements/flyte2-oldest.in --no-deps --no-annotate -o requirements/flyte2-oldest.txt
