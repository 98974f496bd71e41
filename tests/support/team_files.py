"""A team file in each of its formats, and what is read from it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from flyte_dask import (
    Dask,
    InvalidConfig,
)
from flyte_dask.team_files import TeamFile, read
from tests.support.paths import RECORDED

FILES = RECORDED / "team_files"


TOML = """\
# what the data team runs on
[presets.nightly]
extends = "large"
doc = "The nightly run."
workers = { count = 20, mem = "32Gi" }

[presets."acme.big"]
extends = "nightly"
image = "ghcr.io/acme/etl:3"
scheduler = { mem = { request = "8Gi", limit = "16Gi" }, image = "ghcr.io/acme/dask:1" }
runtime = { worker_timeout = "never", min_workers = 4 }
inherit = "pin"
silence = [
    "worker-only-gpu",
]

[platform]
backend = "v1"
defaults.mem = "4Gi"
limits = { cpu = 64, mem = "256Gi", gpu = 8 }

[policy]
max_workers = 30
registries = ["ghcr.io/acme"]
per_worker = { mem = "64Gi" }

[policy.total]
cpu = 1000

[advice]
silence = ["poor-bin-packing"]
fatal = ["missing-worker-memory"]
"""


YAML = """\
presets:
  nightly:
    extends: large
    doc: The nightly run.
    workers: {count: 20, mem: 32Gi}
  acme.big:
    extends: nightly
    image: ghcr.io/acme/etl:3
    scheduler:
      mem: {request: 8Gi, limit: 16Gi}
      image: ghcr.io/acme/dask:1
    runtime: {worker_timeout: never, min_workers: 4}
    inherit: pin
    silence: [worker-only-gpu]
platform:
  backend: v1
  defaults: {mem: 4Gi}
  limits: {cpu: 64, mem: 256Gi, gpu: 8}
policy:
  max_workers: 30
  registries: [ghcr.io/acme]
  per_worker: {mem: 64Gi}
  total: {cpu: 1000}
advice: {silence: [poor-bin-packing], fatal: [missing-worker-memory]}
"""


LINES = r'''a = "["  # ]{
"b]" = [ # [
  "]", 'x"', """
 ]
 \""" """,
  {c = 1, d = "}"},
]
[x."y.[z"]
c = """"""
d = """["""""
e = {p = 1, q = {r = ["\"]"]}}
f = """\\
["""
[[z]]

g = 1
'''


def a_file(folder: Path, text: str, name: str = "flyte-dask.toml") -> Path:
    """A file of that name, with that text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def preset_of(team: TeamFile, name: str) -> Dask:
    """The config of the preset *name*."""
    return next(each for each in team.presets if each.name == name)()


def problems(path: Path) -> list[str]:
    """The problems of the file at *path*, with their places."""
    with pytest.raises(InvalidConfig) as caught:
        read(path)
    assert caught.value.subject == str(path)
    assert caught.value.call_site is not None
    assert caught.value.call_site.file == __file__
    return [f"{problem.location}: {problem}" for problem in caught.value.problems]
