"""What type checkers must accept; never run."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import attrs
import flyte
from flytekit import ImageSpec, task
from flytekit import Resources as TheirResources
from typing_extensions import assert_type

import flyte_dask
import flyteplugins.flyte_dask
from flyte_dask import (
    CallSite,
    InvalidConfig,
    Origin,
    Parent,
    Preset,
    Problem,
    Quantity,
    Resources,
    merge,
)
from flyte_dask.advice import Advice, advise
from flyte_dask.catalog.preset_packages import PresetPackage
from flyte_dask.config.runtime import Local, Report
from flyte_dask.inheritance import Inherit
from flyte_dask.inheritance.parent import Parent as SameParent
from flyte_dask.inheritance.parent import Sidecar
from flyte_dask.inheritance.resolution import Resolved, Side, Source
from flyte_dask.policy import Policy
from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.footprint import Footprint, footprint
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.pods import Pods
from flyte_dask.roles.image import ImageSpecLike
from flyte_dask.team_files import TeamFile, parse, read, write
from flyte_dask.team_files.tables import Tables
from flytekitplugins.dask import Dask, Runtime, Scheduler, WorkerGroup, presets
from flyteplugins.flyte_dask import adopt

# amounts
sizes = Resources(cpu=0.5, mem="2Gi", gpu=1, ephemeral_storage=Quantity("10Gi"))
theirs = TheirResources(cpu="1", mem="2Gi")
assert_type(sizes.mem, Quantity | None)
assert_type(Quantity("1").value, Fraction)
assert_type(Quantity("1") < Quantity("2"), bool)
assert_type(2 * Quantity("1") + Quantity("2") * 3 - Quantity("500m"), Quantity)

# roles, as the official plugin accepts them and in our own form
assert_type(Scheduler("img", sizes, theirs), Scheduler)
assert_type(WorkerGroup(4, None, theirs, sizes).number_of_workers, int)
assert_type(WorkerGroup(number_of_workers=4, requests=sizes).requests, Resources | None)
assert_type(WorkerGroup().image, str | ImageSpecLike | None)
assert_type(Scheduler(ImageSpec(name="etl")), Scheduler)
assert_type(Dask(Scheduler(), WorkerGroup()).workers, WorkerGroup)
assert_type(Dask(workers=5).scheduler, Scheduler)
assert_type(Dask(None, None), Dask)

# with_* methods
config = Dask(workers=5)
assert_type(config.with_workers(4), Dask)
assert_type(config.with_workers(count=4, cpu=0.5, mem="32Gi", gpu=0, image="img"), Dask)
assert_type(config.with_workers(cpu=(1, 2.5), mem=("16Gi", None), gpu=(1, 1)), Dask)
assert_type(config.with_scheduler(mem="8Gi", ephemeral_storage=(None, "10Gi")), Dask)
assert_type(config.with_scheduler(mem=Quantity("8Gi")).with_image("img"), Dask)
assert_type(Dask().with_image(ImageSpec()).with_workers(image=ImageSpec()), Dask)
assert_type(presets.medium(image=ImageSpec()), Dask)

# inheritance
assert_type(Dask(inherit="pin").with_inherit("off").inherit, Inherit)
assert_type(Parent(theirs, limits=sizes), SameParent)
assert_type(config.resolve(), Resolved)
assert_type(config.resolve(Parent(requests=theirs)).workers.mem.limit, Side)
assert_type(config.resolve().sides["workers.limits.mem"].effective, Quantity | None)
assert_type(config.resolve().scheduler.gpu.request.source, Source)
assert_type(Dask.from_custom({"scheduler": {}, "workers": {}}), Dask)

# runtime
assert_type(Runtime(min_workers=5, worker_timeout=None, local="processes"), Runtime)
assert_type(Dask(runtime=Runtime()).runtime, Runtime)
assert_type(config.with_runtime(connect_timeout=2.5, dashboard=True).runtime.local, Local)
assert_type(config.runtime.worker_timeout, float | None)
assert_type(config.with_runtime(report="full").with_runtime(report=None).runtime.report, Report)
assert_type(Runtime() | Runtime(client=False), Runtime)
assert_type(attrs.evolve(Runtime(), min_workers=2), Runtime)
assert_type(config.fingerprint, str)

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
assert_type(config.origins["workers.mem"].overrides, Origin | None)

# presets
assert_type(presets.medium, Preset)
assert_type(presets.medium(5), Dask)
assert_type(presets.gpu_heavy(WorkerGroup(2), scheduler=Scheduler(), image="img"), Dask)
assert_type(presets.memory_heavy(workers=2), Dask)
assert_type(presets.cpu_heavy.doc, str)
assert_type(presets.define("acme.etl", presets.large(20), doc="nightly")(40), Dask)
assert_type(presets.get("acme.etl", source="acme-presets")(workers=3), Dask)
assert_type(presets.packages(), tuple[PresetPackage, ...])
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

# Flyte 2
both = flyte.Resources(cpu=(1, 2), memory="4Gi")
env = flyte.TaskEnvironment(name="etl", plugin_config=presets.medium(workers=5), resources=both)
assert_type(WorkerGroup(4, resources=both), WorkerGroup)
assert_type(Scheduler("img", resources=TheirResources(cpu="1")), Scheduler)
assert_type(flyteplugins.flyte_dask.Dask(workers=2), Dask)
adopt()


@env.task(retries=2)
def decorated_2(path: str) -> float:
    """A task of Flyte 2 as people write it."""
    return len(path)


if (set_limits := presets.medium().workers.limits) and set_limits.cpu and set_limits.mem:
    flyte.Resources(cpu=set_limits.cpu, memory=set_limits.mem)
    TheirResources(cpu=set_limits.cpu, mem=set_limits.mem)

# prediction, advice and team files
platform = Platform(backend="v2", defaults=theirs, limits=sizes)
task_of_it = Parent(
    theirs, image="acme/etl:3", environment={"A"}, sidecars=[Sidecar("proxy", sizes)], tolerations=["x"]
)
assert_type(predict(presets.medium(), task_of_it, platform), Pods)
assert_type(footprint(predict(Dask())), Footprint)
assert_type(footprint(predict(Dask())).limits.mem, Quantity)
assert_type(advise(presets.medium(), None, platform, silence=["tiny-memory"]), tuple[Advice, ...])
assert_type(Dask(silence=["tiny-memory"]).without_advice("fractional-cpu").silence, tuple[str, ...])
assert_type(Policy(max_workers=5, total=theirs, registries=["ghcr.io"]).registries, tuple[str, ...] | None)
assert_type(read(Path("flyte-dask.toml")), TeamFile)
assert_type(write(parse("", "toml"), "yaml"), str)
assert_type(parse("", "json"), Tables)
assert_type(presets.get("etl", file="team.toml", source=None)(5), Dask)
