"""Tasks whose data are in the bucket ``acme``, which they open without any options."""

from __future__ import annotations

import json
import os
from typing import Any

import distributed
from dask.bag.text import read_text
from flytekit import task

from flytekitplugins.dask import Dask
from tests.support.steps import fsspec_configuration, has_flytekit

TWO = Dask(workers=2).with_runtime(min_workers=2)


def amount(**options: Any) -> int:
    """The sum over the CSV files, which workers read."""
    import dask.dataframe as dd

    return int(dd.read_csv("s3://acme/in/*.csv", **options)["amount"].sum().compute())


@task(task_config=TWO)
def reads_and_writes() -> str:
    """In all formats, and again with workers that have restarted."""
    import dask.dataframe as dd

    client: Any = distributed.default_client()
    frame = dd.read_csv("s3://acme/in/*.csv")
    found: dict[str, Any] = {"csv": int(frame["amount"].sum().compute())}
    frame.to_csv("s3://acme/out/csv/*.csv", index=False)
    frame.to_parquet("s3://acme/out/parquet")
    found["written csv"] = int(dd.read_csv("s3://acme/out/csv/*.csv")["amount"].sum().compute())
    found["parquet"] = int(dd.read_parquet("s3://acme/out/parquet")["amount"].sum().compute())
    lines: Any = read_text("s3a://acme/in/*.csv")
    found["lines"] = lines.count().compute()
    client.restart()
    found["restarted"] = amount()
    loaded = client.run(has_flytekit).values()
    found["flytekit"] = sorted({client.run_on_scheduler(has_flytekit), *loaded})
    found["conf"] = [fsspec_configuration(), *client.run(fsspec_configuration).values()]
    return json.dumps(found)


@task(task_config=TWO)
def reads() -> int:
    return amount()


@task(task_config=TWO)
def reads_what_is_missing() -> int:
    """Fails on a worker."""
    import dask.dataframe as dd
    import pandas as pd

    frame: Any = dd.from_map(pd.read_csv, ["s3://acme/in/0.csv", "s3://acme/in/none.csv"])
    return int(frame["amount"].sum().compute())


@task(task_config=TWO)
def reads_with_options() -> int:
    """As a user writes it where fsspec has no settings."""
    variables = "FLYTE_AWS_ACCESS_KEY_ID", "FLYTE_AWS_SECRET_ACCESS_KEY"
    key, secret = (os.environ[each] for each in variables)
    return amount(storage_options={"key": key, "secret": secret})
