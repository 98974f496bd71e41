# The project's vocabulary. `just sync` first; `just check` is what CI runs.

venv := env("VIRTUAL_ENV", ".venv")
python := venv / "bin/python"
pins := "uv pip compile -q --universal --python-version 3.10 --generate-hashes --no-emit-index-url"

# list the recipes
_default:
    @just --list --unsorted

# make .venv with the pinned packages and this project (another interpreter: `just sync python3.12`)
sync interpreter="python3":
    {{interpreter}} -m venv .venv
    .venv/bin/pip install -q --no-deps -r requirements/dev.txt
    .venv/bin/pip install -q --no-deps --no-build-isolation -e .

# ruff: rules and format (`just lint --fix`)
lint *args:
    {{python}} -m ruff check {{args}}
    {{python}} -m ruff format {{ if args == "--fix" { "" } else { "--check" } }}

# mypy --strict and pyright, over everything
type:
    {{python}} -m mypy
    {{python}} -m pyright --pythonpath {{python}}

# pytest
test *args:
    {{python}} -m pytest {{args}}

# pytest without what takes long: about a minute on two idle cores
test-fast *args:
    {{python}} -m pytest -q -n 2 --dist loadfile -m "not fault and not once and not slow" --hypothesis-profile "judge briefly" {{args}}

# what fails a cluster, ten times over, with real processes
faults *args:
    for turn in 1 2 3 4 5 6 7 8 9 10; do {{python}} -m pytest -q -m fault {{args}} || exit 1; done

# pytest with the coverage of branches
cov *args:
    {{python}} -m pytest --cov {{args}}

# write generated/ from the installed flyteidl (`just codegen --check` only compares)
codegen *args:
    {{python}} -m codegen {{args}}

# write what documents and modules repeat of the code (`just tables --check` only compares)
tables *args:
    {{python}} -m docs.tables {{args}}

# pytest with the oldest versions that pyproject.toml allows (needs uv)
lowest *args:
    uv venv -q --clear --seed .venv-lowest
    uv pip install -q --python .venv-lowest/bin/python --resolution lowest-direct -e ".[examples]" --group dev
    .venv-lowest/bin/python -m pytest {{args}}

# all that must be green
check: lint type (codegen "--check") (tables "--check") docs test

# the README's two commands, as on a new machine (`just fresh --main-job`; else args are pytest's)
[positional-arguments]
fresh *args:
    .ci/fresh "$@"

# pytest against the installed wheel, with the sources out of reach
[positional-arguments]
wheel-test *args:
    {{python}} -m venv --clear .venv-wheel
    .venv-wheel/bin/pip install -q --no-deps -r requirements/dev.txt
    .ci/wheel .venv-wheel/bin/python "$@"

# the documentation, into site/ (`just docs serve` shows it, and what changes, at 127.0.0.1:8000)
docs command="build":
    {{python}} -m pip install -q --no-deps -r requirements/docs.txt
    NO_MKDOCS_2_WARNING=1 {{python}} -m mkdocs {{command}} --strict

# sdist and wheel into dist/
build:
    {{python}} -m build --no-isolation

# measure against the official plugin, and write bench/results.md (one section: `just bench packaging`)
bench *sections:
    {{python}} -m bench {{sections}}

# take the documentation's picture of a deck, of a real task (needs Chromium)
picture:
    {{python}} -m tests.support.picture

# record tests/recorded/official_plugin/templates.json from the official plugin, in a separate venv
golden:
    {{python}} -m tests.recorded.official_plugin.record

# record tests/recorded/official_plugin/quantities.json from Kubernetes' own parser (needs kubectl)
golden-quantities:
    {{python}} -m tests.recorded.official_plugin.quantities

# update the pins in requirements/*.txt (needs uv)
pin *args:
    {{pins}} {{args}} pyproject.toml --group dev --extra examples -o requirements/dev.txt
    {{pins}} {{args}} --group docs -c requirements/dev.txt --no-annotate -o requirements/docs.txt
    {{pins}} {{args}} pyproject.toml --group build --extra examples -c requirements/dev.txt --no-annotate -o requirements/examples.txt
    {{pins}} {{args}} requirements/official.in -c requirements/dev.txt --no-annotate -o requirements/official.txt
    {{pins}} {{args}} pyproject.toml -c requirements/dev.txt --no-annotate -o requirements/plain.txt
    {{pins}} {{args}} requirements/dask.in -c requirements/dev.txt --no-annotate -o requirements/dask.txt
    {{pins}} {{args}} requirements/oldest.in --no-annotate -o requirements/oldest.txt
