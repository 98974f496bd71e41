"""What type checkers must accept; never run."""

from flytekit import Resources as TheirResources
from flytekit import task
from typing_extensions import assert_type

from flyte_dask import Preset, Quantity, Resources
from flytekitplugins.dask import Dask, Scheduler, WorkerGroup, presets

sizes = Resources(cpu=0.5, mem="2Gi", gpu=1, ephemeral_storage=Quantity("10Gi"))
theirs = TheirResources(cpu="1", mem="2Gi")

assert_type(sizes.mem, Quantity | None)
assert_type(Scheduler("img", sizes, theirs), Scheduler)
assert_type(WorkerGroup(4, None, theirs, sizes).number_of_workers, int)
assert_type(WorkerGroup(number_of_workers=4, requests=sizes).requests, Resources | None)
assert_type(Dask(Scheduler(), WorkerGroup()).workers, WorkerGroup)
assert_type(Dask(workers=5).scheduler, Scheduler)
assert_type(Dask(None, None) | Dask(workers=5), Dask)
assert_type(WorkerGroup() | WorkerGroup(1), WorkerGroup)
assert_type(presets.medium, Preset)
assert_type(presets.medium(5), Dask)
assert_type(presets.gpu_heavy(WorkerGroup(2), scheduler=Scheduler(), image="img"), Dask)
assert_type(Preset("mine", presets.small(), "for me")(workers=3), Dask)
assert_type(Quantity("1") < Quantity("2"), bool)


@task(task_config=presets.medium(workers=5))
def decorated(path: str) -> float:
    """A task as people write it."""
    return len(path)
