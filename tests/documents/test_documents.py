"""The documents are correct: their examples run, their output is real, and their links work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
import tomli
import yaml
from flytekit import Resources as FlyteResources

import flyte_dask
import flyte_dask_pytest
import flytekitplugins.dask
import flyteplugins.flyte_dask
import flyteplugins.flyte_dask.errors
from docs import site_pages
from docs.diagrams import diagrams
from flyte_dask import (
    CallSite,
    Dask,
    InvalidConfig,
    Parent,
    PolicyViolation,
    WorkerGroup,
    presets,
)
from flyte_dask.advice import RULES
from flyte_dask.policy import violations
from flyte_dask.team_files import read
from flytekitplugins.dask import errors as failures
from flytekitplugins.dask import models
from tests.recorded.official_plugin.cases import cases
from tests.support.command import in_shell
from tests.support.examples import Example, run_all
from tests.support.paths import PROJECT
from tests.support.processes import BIN, run

pytestmark = pytest.mark.once

PAGES = sorted((PROJECT / "docs").rglob("*.md"))
DOCUMENTS = [
    *(PROJECT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")),
    *PAGES,
]
REFERENCE = PROJECT / "docs" / "reference"
README = (PROJECT / "README.md").read_text(encoding="utf-8")

_PYTHON = re.compile(r'^```python(?: title="([^"\n]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_EXAMPLES = [
    Example(document.relative_to(PROJECT).as_posix(), number, code, title or None)
    for document in DOCUMENTS
    if document.stem not in RULES  # whose pages `test_advice` reads
    for number, (title, code) in enumerate(_PYTHON.findall(document.read_text("utf-8")), start=1)
]


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How each example ended."""
    return run_all(_EXAMPLES, tmp_path_factory.mktemp("examples"))


@pytest.mark.parametrize("name", [str(example) for example in _EXAMPLES])
def test_an_example_runs(name: str, endings: dict[str, str]) -> None:
    """As a module, which is where flytekit wants tasks."""
    assert not endings[name], endings[name]


_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(PROJECT).as_posix()
)
def test_local_links_work(document: Path) -> None:
    """Links to files and headings; `just docs` checks those within the reference."""
    links = _LINK.findall(_CODE.sub("", document.read_text(encoding="utf-8")))
    local = [link for link in links if not urlsplit(link).scheme]
    assert [link for link in local if not _works(document, link)] == []


def _works(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    if not anchor or target.parent == REFERENCE:
        return target.exists()
    return target.is_file() and anchor in _anchors(target)


def _anchors(document: Path) -> set[str]:
    """The anchors of its headings that are the same on GitHub and in the documentation."""
    headings = _HEADING.findall(_CODE.sub("", document.read_text(encoding="utf-8")))
    names = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings]
    return {each.replace(" ", "-") for each in names if "  " not in each and names.count(each) == 1}


def test_each_page_is_in_the_navigation() -> None:
    mkdocs = yaml.safe_load((PROJECT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = [path.relative_to(PROJECT / "docs").as_posix() for path in PAGES]
    assert sorted(_pages(mkdocs["nav"])) == sorted([*pages, *site_pages.PAGES.values()])


def _pages(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for each in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _pages(each)


@pytest.mark.parametrize(
    "module",
    [
        *(flyte_dask, flytekitplugins.dask, presets, failures, models, flyte_dask_pytest),
        *(flyteplugins.flyte_dask, flyteplugins.flyte_dask.errors),
    ],
    ids=lambda module: module.__name__,
)
def test_each_public_name_is_in_the_reference(module: ModuleType) -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in REFERENCE.glob("*.md"))
    directives = re.findall(r"^::: .*\n(?: .*\n)*", pages, re.MULTILINE)
    named = set(re.findall(r"\w+", "".join(directives)))
    for directive in directives:
        if directive.startswith(f"::: {module.__name__}\n") and "members:" not in directive:
            named.update(module.__all__)
    assert {name for name in module.__all__ if name not in named} == set()


def test_the_layers_are_those_that_import_linter_checks() -> None:
    project = tomli.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    page = (PROJECT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    documented = {
        name: [cell.replace("`", "").replace(", ", " | ") for cell in _LAYER.findall(table)]
        for name, table in re.findall(r"^### `(.*)`\n\n((?:\|.*\n)+)", page, re.MULTILINE)
    }
    assert documented == {
        container: contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
        for container in contract.get("containers", ())
    }


def test_the_diagram_of_packages_has_their_layers() -> None:
    """Except the generator, which is not shipped."""
    project = tomli.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract, *_) = project["tool"]["importlinter"]["contracts"]
    (diagram,) = (each for each in diagrams() if each.title == "Packages and layers")
    layers = re.findall(
        r"^    subgraph \w+\n(.*?)^    end$", diagram.source, re.MULTILINE | re.DOTALL
    )
    assert [{*layer.split()} for layer in layers] == [
        {*layer.split(" | ")} - {"codegen"} for layer in contract["layers"]
    ]


_LAYER = re.compile(r"^\| (`.*?`) \|", re.MULTILINE)


def test_tests_in_the_documents_exist() -> None:
    page = (PROJECT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    assert {name for name in named if not [*(PROJECT / "tests").rglob(f"{name}.py")]} == set()


_RECIPE = re.compile(r"(?:^|`)just ([a-z][\w-]*)", re.MULTILINE)


def test_recipes_in_the_documents_exist() -> None:
    named = {name for path in DOCUMENTS for name in _RECIPE.findall(path.read_text("utf-8"))}
    done = run(BIN / "just", "--summary", cwd=PROJECT)
    assert {"sync", "check", "docs"} <= named <= set(done.stdout.split())


def test_just_check_runs_what_ci_runs() -> None:
    """`.ci/run` runs the tests separately, under every Python."""
    (check,) = re.findall(r"^check: (.*)$", (PROJECT / "justfile").read_text("utf-8"), re.MULTILINE)
    script = (PROJECT / ".ci" / "run").read_text("utf-8").partition("\nrun_checks() {")[2]
    checks = re.findall(r"\.venv/bin/just ([\w-]+(?: --\w+)?)", script.partition("\n}\n")[0])
    assert re.sub(r'[()"]', "", check) == " ".join([*checks, "test"])


def test_getting_started_shows_real_output(tmp_path: Path) -> None:
    """The output that is the same on any machine; terminals get more, which differs."""
    page = (PROJECT / "docs" / "getting-started.md").read_text(encoding="utf-8")
    for title, code in _PYTHON.findall(page):
        if title:
            (tmp_path / title).write_text(code, encoding="utf-8")
    for command, *args in (
        ("pyflyte", "run", "primes.py", "count_primes", "--below", "100000"),
        ("flyte-dask", "explain", "primes.py:count_primes"),
    ):
        done = run(BIN / command, *args, cwd=tmp_path)
        line = " ".join([command, *args])
        assert f"```sh\n{line}\n```\n\n```text\n{done.stdout}```\n" in page
    assert "`flyte-dask check *.py`" in page
    checked = in_shell("flyte-dask check *.py", tmp_path)
    assert checked.stdout == "1 Dask task in 2 modules: no issues\n"


def test_the_first_example_comes_early() -> None:
    assert "@task(task_config=presets.medium(workers=5))" in README.splitlines()[:25]


def test_the_shown_error_is_real() -> None:
    with pytest.raises(InvalidConfig) as caught:
        WorkerGroup(requests=FlyteResources(cpu="4", mem="16GB"), limits=FlyteResources(cpu="2"))
    shown = str(caught.value).replace(str(caught.value.call_site), "pipelines/etl.py:41")
    for document in (README, (PROJECT / "docs" / "configuration.md").read_text(encoding="utf-8")):
        assert f"```text\nInvalidConfig: {shown}\n```" in document


_CASES = re.findall(
    r"^\| ([^|]*(?:cpu|mem) [^|]*) \| ([^|]*) \| [^|]* \| ([^|:]*)(?:: [^|]*)? \|$",
    (PROJECT / "docs" / "inheritance.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_every_worked_case_is_found() -> None:
    assert len(_CASES) == 4


@pytest.mark.parametrize(("role", "task", "pod"), _CASES)
def test_a_worked_case_of_inheritance_is_right(role: str, task: str, pod: str) -> None:
    resolved = Dask(workers=WorkerGroup(1, None, *_sides(role))).resolve(Parent(*_sides(task)))
    for name, expected in _amounts(pod).items():
        effective = getattr(resolved.workers, name).effective
        assert "/".join(str(amount) for amount in effective) == expected


def _sides(text: str) -> tuple[FlyteResources, FlyteResources]:
    """Requests and limits of ``mem 4G/8G``, or ``requests cpu 2, mem 8G``."""
    side = next((side for side in ("requests", "limits") if text.startswith(side)), None)
    given = _amounts(text.removeprefix(side or ""))
    requests = {name: pair.partition("/")[0] for name, pair in given.items() if side != "limits"}
    limits = {name: pair.rpartition("/")[2] for name, pair in given.items() if side != "requests"}
    return FlyteResources(**requests), FlyteResources(**limits)


def _amounts(text: str) -> dict[str, str]:
    return dict(part.split() for part in text.split(","))


def test_the_number_of_golden_cases_is_right() -> None:
    assert f"for {len(cases())} configurations" in README


_TEAM_FILE = (PROJECT / "docs" / "team-file.md").read_text(encoding="utf-8")
_TEXTS = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_team_file_can_be_read(tmp_path: Path) -> None:
    for document in (README, _TEAM_FILE):
        (text,) = re.findall(r"^```toml\n(\[presets.*?)^```$", document, re.MULTILINE | re.DOTALL)
        path = tmp_path / "flyte-dask.toml"
        path.write_text(text)
        assert read(path).presets


def test_the_shown_errors_of_a_team_file_are_real(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, above = _TEXTS.findall(_TEAM_FILE)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "flyte-dask.toml"
    path.write_text(
        '[presets.nightly]\nextends = "large"\n\nworker = { count = 20 }\n'
        'scheduler.mem = { request = "8Gi", limit = "4Gi" }\n\n[policy]\nmax_workers = "100"\n'
    )
    with pytest.raises(InvalidConfig) as caught:
        read(path)
    shown = str(caught.value).replace(str(caught.value.call_site), "etl.py:4")
    assert f"InvalidConfig: {shown}\n" == wrong.replace("/home/ada/etl", str(tmp_path))

    (text,) = re.findall(r"^```toml\n(.*?)^```$", _TEAM_FILE, re.MULTILINE | re.DOTALL)
    path.write_text(text)
    module = tmp_path / "etl.py"
    module.write_text("\n" * 11 + "config = presets.get('nightly')(workers=400)")
    names: dict[str, Any] = {"presets": presets, "__name__": "etl"}
    exec(compile(module.read_text(), module, "exec"), names)
    team = read(path)
    (problem, *_) = violations(team.policy, names["config"], Parent(), team.platform)
    violation = PolicyViolation("@task of etl.monthly", [problem], CallSite(str(module), 12))
    assert f"PolicyViolation: {violation}\n" == above


def test_the_readme_shows_the_output_of_explain() -> None:
    example = "examples/distributed_dask_task.py"
    done = run(BIN / "flyte-dask", "explain", example, cwd=PROJECT)
    assert f"flyte-dask explain {example}\n```\n\n```text\n{done.stdout}```" in README
