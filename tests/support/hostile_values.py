"""Values that break code which trusts them, and every public call that takes values."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import attrs
import flytekit
import numpy as np
import pandas as pd

from flyte_dask import (
    Dask,
    Parent,
    Quantity,
    Resources,
    Runtime,
    Scheduler,
    WorkerGroup,
    merge,
    presets,
    team_files,
)
from flyte_dask.advice import advise
from flyte_dask.inheritance import NodeOverrides, Sidecar, resolve
from flyte_dask.policy import Policy, violations
from flyte_dask.prediction import Platform, footprint, predict
from flyte_dask.prediction.platform import BASES
from flyte_dask.team_files.tables import Tables


def _fight(*_: object, **__: object) -> NoReturn:
    raise ValueError("The truth value of an object is ambiguous")


def fighting(*methods: str, **attributes: object) -> Any:
    """An object whose *methods* raise a ValueError; *attributes* are of its class."""
    return type("Fighting", (), {**dict.fromkeys(methods, _fight), **attributes})()


class _Lying(type):
    """The metaclass of a class that looks like a built-in one."""

    def __instancecheck__(cls, _: object) -> bool:
        raise ValueError("no instances")


def _cyclic() -> list[object]:
    cycle: list[object] = []
    cycle.append(cycle)
    return cycle


def _nested(depth: int) -> Any:
    return {f"key-{n}": _nested(depth - 1) for n in range(8)} if depth else "x" * 100


def _recursing() -> object:
    def recurse(self: object) -> str:
        return repr(self)

    return type("Recursing", (), {"__repr__": recurse})()


_COMPARISONS = ("__eq__", "__ne__", "__hash__", "__lt__", "__gt__", "__le__", "__ge__")
_VIEWS = ("__bool__", "__len__", "__iter__", "__getitem__", "__contains__")
_TEXTS = ("__str__", "__repr__", "__format__", "__fspath__")
_NUMBERS = ("__int__", "__float__", "__index__")

HOSTILE: Mapping[str, Any] = {
    "None": None,
    "empty text": "",
    "text": "no such thing",
    "long text": "x" * 50_000,
    "many words": "a b " * 20_000,
    "surrogate": "\ud800",
    "nul": "\0",
    "bytes": b"abc",
    "bool": True,
    "zero": 0,
    "negative": -1,
    "huge integer": 10**5000,
    "hugely negative": -(10**5000),
    "float": 1.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "large float": 1e308,
    "complex": 1j,
    "decimal nan": decimal.Decimal("sNaN"),
    "fraction": Fraction(1, 3),
    "ellipsis": ...,
    "not implemented": NotImplemented,
    "class": int,
    "class of ours": Resources,
    "function": len,
    "module": np,
    "object": object(),
    "preset": presets.medium,
    "path": Path("a" * 5000),
    "array": np.array([1, 2]),
    "empty array": np.array([]),
    "array of one": np.array([1]),
    "array without dimension": np.array(3),
    "array of nan": np.full((3, 3), np.nan),
    "array of texts": np.array(["cpu", "mem"]),
    "array of objects": np.array([None, {}], dtype=object),
    "numpy integer": np.int64(3),
    "numpy large": np.uint64(2**64 - 1),
    "numpy float": np.float64(1.5),
    "numpy nan": np.float32("nan"),
    "numpy bool": np.bool_(True),
    "numpy text": np.str_("v1"),
    "numpy date": np.datetime64("NaT", "ns"),
    "series": pd.Series([1, 2]),
    "frame": pd.DataFrame({"cpu": [1], "mem": [1], "gpu": [1], "ephemeral_storage": [1]}),
    "index": pd.Index(["a"]),
    "NA": pd.NA,
    "NaT": pd.NaT,
    "list": [1, 2],
    "list of NA": [pd.NA],
    "list of lists": [[]],
    "list of arrays": [np.array([1, 2])],
    "tuple of arrays": (np.array([1, 2]), np.array([3])),
    "set": {1, "a"},
    "tuple of texts": ("a", "b"),
    "pair of huge": (10**5000, 10**5000),
    "dict": {"cpu": 1},
    "cycle": _cyclic(),
    "nested": _nested(6),
    "dict by name": type("dict", (), {"__len__": lambda _: 5})(),
    "list by name": type("list", (), {})(),
    "array by name": type("array", (), {})(),
    "tuple by name": type("tuple", (tuple,), {"__len__": _fight})((1, 2)),
    "text by class": type("Text", (str,), dict.fromkeys(_TEXTS[:2], _fight))("a"),
    "text that fights": type("Text", (str,), dict.fromkeys((*_COMPARISONS, *_VIEWS), _fight))("a"),
    "integer that fights": type("Int", (int,), dict.fromkeys((*_COMPARISONS, *_NUMBERS), _fight))(
        2
    ),
    "float that fights": type("Float", (float,), dict.fromkeys(_NUMBERS, _fight))(2.5),
    "mapping that fights": type("Map", (dict,), dict.fromkeys(_VIEWS, _fight))({"a": 1}),
    "list that fights": type("List", (list,), dict.fromkeys((*_VIEWS, "__eq__"), _fight))([1]),
    "recursing": _recursing(),
    "huge repr": type("Huge", (), {"__repr__": lambda _: "x" * 1_000_000})(),
    "no repr": type("No", (), {"__repr__": lambda _: None})(),
    "long class": type("x" * 50_000, (), {})(),
    "fighting comparison": fighting(*_COMPARISONS),
    "fighting view": fighting(*_VIEWS),
    "fighting text": fighting(*_TEXTS),
    "fighting number": fighting(*_NUMBERS),
    "fighting attributes": fighting("__getattr__"),
    "fighting everything": fighting(*_COMPARISONS, *_VIEWS, *_TEXTS, *_NUMBERS, "__getattr__"),
    "fighting class": fighting(__class__=property(_fight)),
    "fighting image": fighting("__copy__", "__reduce_ex__", image_name=lambda _: "acme/etl:3"),
    "fighting name": fighting(image_name=property(_fight)),
    "fighting amounts": fighting(
        **dict.fromkeys(("cpu", "mem", "gpu", "ephemeral_storage"), property(_fight))
    ),
    "amounts that fight": type(
        "Amounts", (), dict.fromkeys(("cpu", "mem", "gpu", "ephemeral_storage"), fighting(*_VIEWS))
    )(),
    "lying class": _Lying("str", (), {})(),
    "flytekit's": flytekit.Resources(cpu="1"),
}
"""Values by what they are."""


@attrs.frozen
class Call:
    """A public call with valid arguments."""

    name: str
    function: Callable[..., object]
    valid: Mapping[str, Any]
    positional: tuple[str, ...] = ()
    """The arguments without a name."""

    def with_value(self, parameter: str, value: object) -> object:
        """The result with *value* as one argument."""
        given = {**self.valid, parameter: value}
        args = [given.pop(name) for name in self.positional]
        return self.function(*args, **given)


_AMOUNTS: dict[str, Any] = {"cpu": 2, "mem": "8Gi", "gpu": 1, "ephemeral_storage": "10Gi"}
_RESOURCES = Resources(**_AMOUNTS)
_POD = {"image": "acme/etl:3", "requests": _RESOURCES, "limits": _RESOURCES}
_RUNTIME: dict[str, Any] = {
    name: getattr(Runtime(), name) for name in attrs.fields_dict(Runtime) if name[0] != "_"
}
_DASK = Dask(workers=2)
_PARENT = Parent(requests=_RESOURCES)
_CUSTOM = {
    "scheduler": {"image": "a"},
    "workers": {
        "numberOfWorkers": 2,
        "resources": {"requests": [{"name": "CPU", "value": "1"}]},
    },
}


def _custom(**changed: object) -> Dask:
    """`Dask.from_custom` of a template with parts that are changed."""
    custom: Any = {**_CUSTOM, **changed}
    return Dask.from_custom(custom)


def _amounts_of_custom(entry: object) -> Dask:
    return _custom(workers={"numberOfWorkers": 1, "resources": {"limits": [entry]}})


def _silent(*codes: Any) -> Dask:
    return _DASK.without_advice(*codes)


def calls() -> Iterator[Call]:
    """Every public call that takes values, with every parameter that has an effect."""
    yield Call("Quantity", Quantity, {"text": "2Gi"})
    for name in ("__eq__", "__lt__", "__add__", "__sub__", "__mul__", "__rmul__"):
        yield Call(f"Quantity.{name}", getattr(Quantity("2Gi"), name), {"other": 2}, ("other",))
    yield Call("Resources", Resources, _AMOUNTS)
    yield Call("Scheduler", Scheduler, _POD)
    yield Call("WorkerGroup", WorkerGroup, {"number_of_workers": 2, **_POD})
    roles = {"scheduler": Scheduler("a"), "workers": 2}
    own = {"inherit": "pin", "runtime": Runtime(), "silence": ["missing-limit"]}
    yield Call("Dask", Dask, {**roles, **own})
    yield Call("Runtime", Runtime, _RUNTIME)
    yield Call("Dask.with_runtime", _DASK.with_runtime, _RUNTIME)
    yield Call("Dask.with_workers", _DASK.with_workers, {"count": 3, "image": "a", **_AMOUNTS})
    yield Call("Dask.with_scheduler", _DASK.with_scheduler, {"image": "a", **_AMOUNTS})
    yield Call("Dask.with_image", _DASK.with_image, {"image": "a"})
    yield Call("Dask.with_inherit", _DASK.with_inherit, {"inherit": "off"})
    yield Call("Dask.without_advice", _silent, {"codes": "missing-limit"}, ("codes",))
    yield Call("Dask.resolve", _DASK.resolve, {"parent": _PARENT})
    yield Call("Dask.from_custom", Dask.from_custom, {"custom": _CUSTOM})
    yield Call("Dask.from_custom of parts", _custom, _CUSTOM)
    yield Call("Dask.from_custom of amounts", _amounts_of_custom, {"entry": {}})
    yield Call("Dask.__eq__", _DASK.__eq__, {"other": _DASK}, ("other",))
    yield Call("Dask.__or__", _DASK.__or__, {"other": _DASK}, ("other",))
    yield Call("merge", merge, {"left": _DASK, "right": _DASK, "strict": False})
    yield Call("attrs.evolve", partial(attrs.evolve, _DASK), {**roles, **own})
    yield Call("Preset", presets.Preset, {"name": "a", "config": _DASK, "doc": ""})
    yield Call("presets.define", presets.define, {"name": "a", "config": _DASK, "doc": ""})
    yield Call("presets.get", presets.get, {"name": "medium", "source": None, "file": None})
    yield Call("presets.medium", presets.medium, {"workers": 2, "scheduler": None, "image": "a"})
    parent = {
        "requests": _RESOURCES,
        "limits": _RESOURCES,
        "image": "a",
        "environment": ["A"],
        "sidecars": [Sidecar("a")],
        "init_containers": [Sidecar("a")],
        "tolerations": ["a"],
        "pod_template": "a",
        "has_own_pod_template": True,
        "gpu_from_pod_template": True,
        "zeros": ["limits.mem"],
        "interruptible": True,
        "is_dynamic": True,
        "accelerator": "a",
        "node": NodeOverrides(_RESOURCES),
    }
    yield Call("Parent", Parent, parent)
    sides = {"requests": _RESOURCES, "limits": _RESOURCES, "zeros": ["limits.mem"]}
    yield Call("Sidecar", Sidecar, {"name": "a", **sides})
    yield Call("NodeOverrides", NodeOverrides, {"image": "a", **sides})
    yield Call(
        "Platform",
        Platform,
        {
            "backend": "v1",
            "base": BASES[0],
            "defaults": _RESOURCES,
            "limits": _RESOURCES,
            "unlimited": (),
            "gpu_resource": "amd.com/gpu",
            "hypothetical": False,
        },
    )
    yield Call(
        "Policy",
        Policy,
        {"max_workers": 2, "per_worker": _RESOURCES, "total": _RESOURCES, "registries": ["a"]},
    )
    job = {"config": _DASK, "parent": _PARENT, "platform": Platform()}
    yield Call("violations", lambda **each: [*violations(**each)], {"policy": Policy(), **job})
    yield Call("predict", predict, job)
    yield Call("advise", advise, {**job, "silence": ()})
    pods = {"pods": predict(_DASK), "without_runner": True}
    yield Call("footprint", footprint, pods)
    resolved = {"scheduler": Scheduler(), "workers": WorkerGroup(2), "inherit": "fill"}
    yield Call("resolve", resolve, {**resolved, "parent": _PARENT})
    yield Call("team_files.read", team_files.read, {"path": "no.toml"})
    yield Call("team_files.parse", team_files.parse, {"text": "", "fmt": "toml"})
    yield Call("team_files.write", team_files.write, {"tables": Tables(), "fmt": "json"})
    yield Call("team_files.find_for_module", team_files.find_for_module, {"module": Path("a.py")})
