"""Valid configurations of all shapes, for properties."""

from __future__ import annotations

from typing import Any, get_type_hints

from hypothesis import strategies as st

from flyte_dask import Dask, Parent, Quantity, Resources, Runtime, Scheduler, WorkerGroup
from flyte_dask.config.runtime import SETTINGS
from flyte_dask.inheritance import Inherit

_TEXTS = {
    "cpu": ["500m", "1", "1000m", "1e0", "1.5", "2", "16"],
    "mem": ["512Mi", "1Gi", "1024Mi", "1073741824", "1G", "1.5Gi", "16Gi"],
    "gpu": ["0", "1", "1.0", "2"],
    "ephemeral_storage": ["1Gi", "10G", "10000M", "20Gi"],
}


@st.composite
def pairs(draw: st.DrawFn, dimension: str) -> tuple[str | None, str | None]:
    """A valid request and limit; either or both may be unset."""
    texts = st.sampled_from(_TEXTS[dimension])
    request, limit = draw(st.none() | texts), draw(st.none() | texts)
    if request and limit:
        if dimension == "gpu" and Quantity(request) != Quantity(limit):
            return request, request
        if Quantity(request) > Quantity(limit):
            return limit, request
    return request, limit


ALL_PAIRS = st.fixed_dictionaries({dimension: pairs(dimension) for dimension in _TEXTS})
IMAGES = st.none() | st.sampled_from(["acme/etl:3", "acme/dask:1", "{{.image.default}}"])
COUNTS = st.none() | st.integers(1, 2**32 - 1)


def sides(pairs: dict[str, tuple[Any, Any]]) -> tuple[Resources, Resources]:
    """Requests and limits with these pairs."""
    requests = {name: request for name, (request, _) in pairs.items()}
    return Resources(**requests), Resources(**{name: limit for name, (_, limit) in pairs.items()})


SCHEDULERS = st.builds(lambda image, pairs: Scheduler(image, *sides(pairs)), IMAGES, ALL_PAIRS)
GROUPS = st.builds(
    lambda count, image, pairs: WorkerGroup(count, image, *sides(pairs)), COUNTS, IMAGES, ALL_PAIRS
)
_MODES: tuple[Inherit, ...] = ("fill", "pin", "off")
MODES = st.sampled_from(_MODES)
_SECONDS = st.none() | st.sampled_from([60, 60.0, 120, 300, 300.0, 900])
_TYPES = {int: st.integers(0, 3), float | None: _SECONDS}
_FOLDERS = st.none() | st.sampled_from(["/data/runs", "s3://bucket/runs"])
SETTINGS_GIVEN = st.fixed_dictionaries(
    {},
    optional={
        name: _FOLDERS if name == "record" else _TYPES.get(kind, st.from_type(kind))
        for name, kind in get_type_hints(Runtime).items()
        if name in SETTINGS
    },
)


def _runtime(settings: dict[str, Any]) -> Runtime:
    return Runtime(**settings)


RUNTIMES = SETTINGS_GIVEN.map(_runtime)
CONFIGS = st.builds(
    lambda scheduler, workers, inherit, runtime, silence: Dask(
        scheduler, workers, inherit=inherit, runtime=runtime, silence=silence
    ),
    SCHEDULERS,
    GROUPS,
    st.none() | MODES,
    st.none() | RUNTIMES,
    st.sets(st.sampled_from(["fractional-cpu", "tiny-memory", "image-mismatch"])),
)
PARENTS = st.builds(lambda pairs: Parent(*sides(pairs)), ALL_PAIRS)
