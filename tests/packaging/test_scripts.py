"""``dask-scheduler`` and ``dask-worker``, the commands of Flyte 1's pods."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.metadata import distribution

import pytest

from tests.support.processes import BIN, run

pytestmark = pytest.mark.once

UNSHARE = ["unshare", "--net", "--map-root-user"]


def test_the_distribution_ships_both() -> None:
    scripts = {
        entry.name: entry.value
        for entry in distribution("flyte-dask").entry_points.select(group="console_scripts")
    }
    assert scripts == {
        "dask-scheduler": "distributed.cli.dask_scheduler:main",
        "dask-worker": "distributed.cli.dask_worker:main",
        "flyte-dask": "flyte_dask_cli.main:main",
    }
    for name in scripts:
        assert run(BIN / name, "--version").returncode == 0


@pytest.mark.skipif(
    shutil.which("unshare") is None or run(*UNSHARE, "true").returncode != 0,
    reason="the commands listen on all addresses, and this machine allows no separate network",
)
@pytest.mark.parametrize("generation", ["v1", "v2"])
def test_the_exact_commands_of_the_backend_start_a_cluster(generation: str) -> None:
    done = run(*UNSHARE, sys.executable, "-m", "tests.support.backend", generation)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "address": "tcp://127.0.0.1:8786",
        "result": 3,
        "workers": [[f"default-worker-{number}", 2, 512 * 2**20] for number in range(2)],
        "exit": [0, 0, 0],
    }
