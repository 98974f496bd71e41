"""What type checkers must accept; never run."""

from collections.abc import Mapping
from fractions import Fraction

import attrs
from flytekit import Resources as TheirResources
from flytekit import task
from typing_extensions import assert_type

import flyte_dask
from flyte_dask import CallSite, InvalidConfig, Origin, Preset, Problem, Quantity, Resources, merge
from flyte_dask.packs import Pack
from flytekitplugins.dask import Dask, Scheduler, WorkerGroup, presets

# amounts
sizes = Resources(cpu=0.5, mem="2Gi", gpu=1, ephemeral_storage=Quantity("10Gi"))
theirs = TheirResources(cpu="1", mem="2Gi")
assert_type(sizes.mem, Quantity | None)
assert_type(Quantity("1").value, Fraction)
assert_type(Quantity("1") < Quantity("2"), bool)
assert_type(2 * Quantity("1") + Quantity("2") * 3 - Quantity("500m"), Quantity)

# roles, as the incumbent takes them and in our own words
assert_type(Scheduler("img", sizes, theirs), Scheduler)
assert_type(WorkerGroup(4, None, theirs, sizes).number_of_workers, int)
assert_type(WorkerGroup(number_of_workers=4, requests=sizes).requests, Resources | None)
assert_type(WorkerGroup().image, str | None)
assert_type(Dask(Scheduler(), WorkerGroup()).workers, WorkerGroup)
assert_type(Dask(workers=5).scheduler, Scheduler)
assert_type(Dask(None, None), Dask)

# verbs
config = Dask(workers=5)
assert_type(config.with_workers(4), Dask)
assert_type(config.with_workers(count=4, cpu=0.5, mem="32Gi", gpu=0, image="img"), Dask)
assert_type(config.with_workers(cpu=(1, 2.5), mem=("16Gi", None), gpu=(1, 1)), Dask)
assert_type(config.with_scheduler(mem="8Gi", ephemeral_storage=(None, "10Gi")), Dask)
assert_type(config.with_scheduler(mem=Quantity("8Gi")).with_image("img"), Dask)

# merging and evolving
assert_type(config | Dask(), Dask)
assert_type(WorkerGroup() | WorkerGroup(1), WorkerGroup)
assert_type(merge(config, Dask(), strict=True), Dask)
assert_type(merge(Scheduler(), Scheduler("img")), Scheduler)
assert_type(attrs.evolve(WorkerGroup(), number_of_workers=4, requests=sizes), WorkerGroup)
assert_type(attrs.evolve(config, workers=WorkerGroup(4)), Dask)

# origins
assert_type(config.origins, dict[str, Origin])
assert_type(WorkerGroup(4).origins, Mapping[str, Origin])
assert_type(config.origins["workers.mem"].call_site, CallSite | None)
assert_type(config.origins["workers.mem"].replaced, Origin | None)

# presets
assert_type(presets.medium, Preset)
assert_type(presets.medium(5), Dask)
assert_type(presets.gpu_heavy(WorkerGroup(2), scheduler=Scheduler(), image="img"), Dask)
assert_type(presets.memory_heavy(workers=2), Dask)
assert_type(presets.cpu_heavy.doc, str)
assert_type(presets.define("acme.etl", presets.large(20), doc="nightly")(40), Dask)
assert_type(presets.get("acme.etl", source="acme-presets")(workers=3), Dask)
assert_type(presets.packs(), tuple[Pack, ...])
assert_type(flyte_dask.presets.small().with_workers(mem="1Gi"), Dask)

# errors
try:
    WorkerGroup(0)
except InvalidConfig as error:
    assert_type(error.problems, tuple[Problem, ...])
    assert_type(error.call_site, CallSite | None)
    assert_type(error.problems[0].remedy, str)


@task(task_config=presets.medium(workers=5))
def decorated(path: str) -> float:
    """A task as people write it."""
    return len(path)
