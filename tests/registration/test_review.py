"""The review of a task at registration, by real ``pyflyte`` commands."""

from __future__ import annotations

import re
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support.backend import ADDRESS
from tests.support.processes import BIN, run, unpack
from tests.support.runner import package, packaged, run_packaged

pytestmark = pytest.mark.once

PIPELINE = """
from flytekit import Resources, task, workflow

from flytekitplugins.dask import presets


@task(task_config=presets.get("nightly")(workers={workers}), {arguments})
def total() -> int:
    return 5


@workflow
def flow() -> int:
    return total()
"""
TEAM = """
[presets.nightly]
extends = "small"
scheduler = { cpu = 1, mem = "1Gi" }
"""


def project(folder: Path, team: str, *, workers: int = 2, arguments: str = "") -> Path:
    """A project of one task, with that team file next to its module."""
    source = folder / "source"
    source.mkdir()
    (source / "pipeline.py").write_text(PIPELINE.format(workers=workers, arguments=arguments))
    (source / "flyte-dask.toml").write_text(TEAM + team)
    return source


def packaging(source: Path, *args: str | Path, **env: str) -> CompletedProcess[str]:
    """``pyflyte package`` of a project, from an empty folder."""
    elsewhere = source.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    return run(
        *(BIN / "pyflyte", "--pkgs", "pipeline", "package", "--image", "ghcr.io/acme/etl:3"),
        *("--source", source, "--output", elsewhere / "package.tgz", "--force", *args),
        cwd=elsewhere,
        env={"PYTHONPATH": str(source), **env},
    )


def squeezed(text: str) -> str:
    """*text* without whitespace and frames, which terminals put anywhere."""
    return re.sub(r"[\s│╭╮╰╯─]+", "", text)


def contains(done: CompletedProcess[str], pattern: str) -> bool:
    """Whether the output contains *pattern*, however it is wrapped."""
    return bool(re.search(squeezed(pattern), squeezed(done.stdout + done.stderr)))


def advised(done: CompletedProcess[str]) -> list[tuple[str, str]]:
    """Code and path of all logged advice."""
    text = " ".join((done.stdout + done.stderr).split())
    return re.findall(r"pipeline\.total: (?:\w+) ([\w-]+): ([\w.]+):", text)


class TestPolicy:
    """The team's policy at registration."""

    def test_above_it_nothing_is_registered(self, tmp_path: Path) -> None:
        team = "[policy]\nmax_workers = 10\nregistries = ['quay.io/acme']\ntotal.cpu = 4"
        source = project(tmp_path, team, workers=20)
        done = packaging(source)
        assert done.returncode != 0
        assert not (tmp_path / "elsewhere" / "package.tgz").exists()
        module, file = r"\S*source/pipeline\.py", r"\S*source/flyte-dask\.toml"
        assert contains(done, rf"3 problems in @task of pipeline\.total at {module}:7")
        assert contains(done, rf"20 set by nightly\(\.\.\.\) at {module}:7 exceeds the 10")
        assert contains(done, rf"exceeds the 10 allowed by policy at {file}:6: request less")
        assert contains(done, rf"'23' for all 22 pods.* the 4 allowed by policy at {file}:8")
        assert contains(done, rf"'ghcr.io/acme/etl:3' set by @task .* policy at {file}:7")

    def test_a_config_within_it_is_registered(self, tmp_path: Path) -> None:
        source = project(tmp_path, "[policy]\nmax_workers = 10\nregistries = ['ghcr.io/acme']")
        assert packaging(source).returncode == 0

    def test_the_environment_may_set_another_file(self, tmp_path: Path) -> None:
        source = project(tmp_path, "")
        strict = tmp_path / "strict.yaml"
        strict.write_text("policy: {max_workers: 1}")
        assert packaging(source).returncode == 0
        done = packaging(source, FLYTE_DASK_FILE=str(strict))
        assert done.returncode != 0
        assert contains(done, r"the 1 allowed by policy at \S*strict\.yaml:1")

    def test_a_broken_file_is_reported(self, tmp_path: Path) -> None:
        source = project(tmp_path, "[polcy]\nmax_workers = 10")
        done = packaging(source)
        assert done.returncode != 0
        assert contains(done, r"polcy \(line 5\)")

    def test_the_runner_does_not_care(self, tmp_path: Path) -> None:
        """A registered task still runs after the policy has become stricter."""
        others = {"flyte-dask.toml": TEAM}
        folder = package(PIPELINE.format(workers=2, arguments=""), tmp_path, "none", others)
        (template,) = packaged(folder)
        (folder / "source" / "flyte-dask.toml").write_text(TEAM + "[policy]\nmax_workers = 1")
        local = {"FLYTE_DASK_REQUIRE_CLUSTER": "0", ADDRESS: ""}
        assert run_packaged(folder, template, tmp_path / "outputs", local).result == 5


class TestAdvice:
    """The advice that is logged."""

    GPU = "limits=Resources(cpu='1', gpu='1', mem='2Gi')"

    def test_is_logged_once(self, tmp_path: Path) -> None:
        done = packaging(project(tmp_path, "", arguments=self.GPU))
        assert done.returncode == 0, done.stderr
        assert advised(done) == [("gpu-not-inherited", "workers.limits.gpu")]

    def test_info_is_logged_if_the_level_is_lower(self, tmp_path: Path) -> None:
        source = project(tmp_path, "", arguments="environment={'A': 'secret'}")
        text = (source / "pipeline.py").read_text()
        larger = text.replace("workers=2)", "workers=40).with_workers(mem='40Gi')")
        (source / "pipeline.py").write_text(larger)
        assert advised(packaging(source)) == []
        done = packaging(source, FLYTE_SDK_LOGGING_LEVEL="20")
        assert advised(done) == [("poor-bin-packing", "workers.requests")]
        assert not contains(done, "secret")

    def test_the_team_file_can_silence_it(self, tmp_path: Path) -> None:
        source = project(tmp_path, "[advice]\nsilence = ['gpu-not-inherited']", arguments=self.GPU)
        assert advised(packaging(source, FLYTE_SDK_LOGGING_LEVEL="20")) == []

    def test_is_an_error_if_the_team_made_it_fatal(self, tmp_path: Path) -> None:
        source = project(tmp_path, "[advice]\nfatal = ['gpu-not-inherited']", arguments=self.GPU)
        done = packaging(source)
        assert done.returncode != 0
        assert contains(
            done,
            "workers.limits.gpu 'gpu-not-inherited' is an error by flyte-dask.toml: the task has 1 "
            r"GPU, and its 2 workers none: with resources of their own, workers do not inherit "
            "GPUs: "
            r"\.with_workers\(gpu",
        )

    def test_a_task_cannot_silence_what_the_team_made_fatal(self, tmp_path: Path) -> None:
        source = project(tmp_path, "[advice]\nfatal = ['gpu-not-inherited']", arguments=self.GPU)
        text = (source / "pipeline.py").read_text()
        silenced = text.replace("workers=2)", "workers=2).without_advice('gpu-not-inherited')")
        (source / "pipeline.py").write_text(silenced)
        assert packaging(source).returncode != 0

    def test_considers_environment_pod_template_and_image(self, tmp_path: Path) -> None:
        """Advice depends on them."""
        arguments = "environment={'DASK_WORKER_NAME': 'x'}, pod_template=POD, container_image='a/b'"
        source = project(tmp_path, "[presets.x]", arguments=arguments)
        text = source / "pipeline.py"
        pod = """
from flytekit import PodTemplate
from kubernetes.client import V1Container, V1EnvVar, V1PodSpec, V1ResourceRequirements, V1Toleration

POD = PodTemplate(
    primary_container_name="main",
    pod_spec=V1PodSpec(
        containers=[
            V1Container(name="main", env=[V1EnvVar(name="DASK_SCHEDULER_ADDRESS", value="x")]),
            V1Container(name="proxy", resources=V1ResourceRequirements(requests={"cpu": "100m"})),
        ],
        tolerations=[V1Toleration(key="nvidia.com/gpu", operator="Exists")],
    ),
)
"""
        changed = text.read_text().replace(
            "workers=2)", "workers=2).with_image('a/b').with_workers(gpu=1)"
        )
        text.write_text(pod + changed)
        done = packaging(source, FLYTE_SDK_LOGGING_LEVEL="20")
        assert done.returncode == 0, done.stdout + done.stderr
        assert advised(done) == [
            ("reserved-env-var", "task.environment.DASK_SCHEDULER_ADDRESS"),
            ("reserved-env-var", "task.environment.DASK_WORKER_NAME"),
            ("rejected-by-kubernetes", "task.sidecars.proxy"),
            ("sidecar-replicated", "task.sidecars"),
        ]


class TestUpload:
    """A preset's file has to be uploaded, because the runner imports the module again."""

    @pytest.mark.parametrize("copy", ["all", "auto"])
    def test_the_file_is_uploaded(self, copy: str, tmp_path: Path) -> None:
        source = PIPELINE.format(workers=2, arguments="")
        folder = package(source, tmp_path, copy, {"flyte-dask.toml": TEAM})
        (code,) = folder.glob("fast*.tar.gz")
        unpack(code, tmp_path / "code")
        assert (tmp_path / "code" / "flyte-dask.toml").read_text() == TEAM
        if copy == "auto":  # the runner gets fewer files
            (template,) = packaged(folder)
            local = {"FLYTE_DASK_REQUIRE_CLUSTER": "0", ADDRESS: ""}
            assert run_packaged(folder, template, tmp_path / "outputs", local).result == 5

    def test_a_file_outside_of_the_code_is_rejected(self, tmp_path: Path) -> None:
        source = project(tmp_path, "")
        (source / "flyte-dask.toml").rename(tmp_path / "flyte-dask.toml")
        done = packaging(source, "--copy", "all")
        assert done.returncode != 0
        assert contains(
            done,
            r"'\S*/flyte-dask\.toml' of preset nightly is outside of \S*/source, the only folder "
            "that is uploaded: move it there, next to the module",
        )
        assert packaging(source, "--copy", "none").returncode == 0

    def test_a_file_without_effect_on_the_config_is_rejected_too(self, tmp_path: Path) -> None:
        """The module reads it anyway."""
        source = project(tmp_path, '[presets.alias]\nextends = "large"')
        (source / "flyte-dask.toml").rename(tmp_path / "flyte-dask.toml")
        text = (source / "pipeline.py").read_text().replace('get("nightly")', 'get("alias")')
        (source / "pipeline.py").write_text(text)
        done = packaging(source, "--copy", "auto")
        assert done.returncode != 0
        assert contains(done, "of preset alias is outside of")

    def test_a_file_that_is_ignored_is_rejected(self, tmp_path: Path) -> None:
        source = project(tmp_path, "")
        (source / ".dockerignore").write_text("*.toml\n")
        done = packaging(source, "--copy", "all")
        assert done.returncode != 0
        assert contains(done, "of preset nightly is excluded from the upload of the code")

    def test_a_file_that_the_module_reads_itself_must_be_uploaded_too(self, tmp_path: Path) -> None:
        """However the module gets its presets."""
        text = PIPELINE.format(workers=2, arguments="").replace('presets.get("nightly")', "nightly")
        imports = "from pathlib import Path\n\nfrom flyte_dask import team_files\n"
        nearby = (
            '[nightly] = team_files.read(Path(__file__).with_name("flyte-dask.toml")).presets\n'
        )
        folder = package(imports + nearby + text, tmp_path, "auto", {"flyte-dask.toml": TEAM})
        (code,) = folder.glob("fast*.tar.gz")
        unpack(code, tmp_path / "code")
        assert (tmp_path / "code" / "flyte-dask.toml").read_text() == TEAM
        (tmp_path / "other").mkdir()
        source = project(tmp_path / "other", "")
        (source / "flyte-dask.toml").rename(source.parent / "flyte-dask.toml")
        above = nearby.replace('.with_name("flyte-dask.toml")', '.parents[1] / "flyte-dask.toml"')
        (source / "pipeline.py").write_text(imports + above + text)
        done = packaging(source, "--copy", "all")
        assert done.returncode != 0
        assert contains(
            done,
            r"'\S*/flyte-dask\.toml' that \S*/pipeline\.py reads on import is outside of "
            r"\S*/source, the only folder that is uploaded: move it there, next to the module",
        )


NODES = """
from flytekit import Resources, task, workflow

from flytekitplugins.dask import Dask



@task(task_config=Dask(workers=2), limits=Resources(cpu="1", mem="4Gi"))
def total() -> int:
    return 5


@workflow
def flow() -> int:
    return total().with_overrides(limits=Resources({limits}))

{last}
"""


class TestNodes:
    """What nodes override, at registration: whether the workflow is compiled before or after."""

    @pytest.mark.parametrize("compiled", ["", "flow.compile()"])
    def test_the_policy_applies(self, tmp_path: Path, compiled: str) -> None:
        (tmp_path / "source").mkdir()
        module = tmp_path / "source" / "pipeline.py"
        (tmp_path / "source" / "flyte-dask.toml").write_text("[policy]\nper_worker.mem = '8Gi'")
        for limits, status in (('mem="8Gi"', 0), ('mem="9Gi"', 1)):
            module.write_text(NODES.format(limits=limits, last=compiled))
            done = packaging(tmp_path / "source")
            assert bool(done.returncode) == bool(status), done.stdout
        assert contains(done, r"with_overrides\(\.\.\.\) of a node of pipeline\.total at \S*:15")
        assert contains(done, r"set by with_overrides\(\.\.\.\) at \S*pipeline\.py:15 exceeds the")
        assert not contains(done, r"set by @task")

    def test_what_kubernetes_would_reject_is_not_registered(self, tmp_path: Path) -> None:
        (tmp_path / "source").mkdir()
        module = tmp_path / "source" / "pipeline.py"
        module.write_text(NODES.format(limits='mem="8GB"', last=""))
        done = packaging(tmp_path / "source")
        assert done.returncode != 0
        assert contains(done, r"limits\.mem '8GB' is not a Kubernetes quantity: did you mean")
