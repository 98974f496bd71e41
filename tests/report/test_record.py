"""The record of a run: in the deck, and in a folder of its own, as the real cluster was."""

from __future__ import annotations

import json
import logging
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import distributed
import pytest
from dask.utils import parse_bytes
from flyteidl.core.literals_pb2 import LiteralMap
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask, presets
from flyte_dask.advice import Job
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask_engine.host import NO_SDK
from flyte_dask_engine.monitor.metrics import Event
from flyte_dask_engine.report import writing
from flyte_dask_engine.report.record import record_of, without_credentials
from flyte_dask_engine.report.report import Failure
from flyte_dask_engine.report.run import Run as RunOfTask
from flyte_dask_engine.session.session import session
from flyte_dask_records import Record, dumps, loads, records_in
from flyte_dask_records.collection import collect
from tests.support import faulty, reported
from tests.support.backend import ADDRESS, Cluster, cluster
from tests.support.command import flyte_dask
from tests.support.faults import kill_workers, run_and_act
from tests.support.metrics import a_prefix, a_report, a_worker, metrics_of
from tests.support.runner import CODE, run_task
from tests.support.s3 import s3_store, without_keys
from tests.support.steps import squared

pytestmark = pytest.mark.once

NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z_[A-Za-z0-9._-]+_[0-9a-f]{12}\.json")


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """Two workers."""
    with cluster(workers=2, env=CODE) as made:
        yield made


def recorded(folder: Path) -> Record:
    """The only record in *folder*."""
    (path,) = folder.iterdir()
    return loads(path.read_text("utf-8"), path.name)


def at(folder: Path) -> dict[str, str]:
    """The environment that sets the folder of records."""
    return {"FLYTE_DASK_RECORD": str(folder)}


class TestOnFlyte:
    """Scheduler, workers and runner are processes of their own."""

    def test_it_is_that_of_the_deck(self, started: Cluster, tmp_path: Path) -> None:
        """It has what the cluster was and did, by the same report."""
        place = tmp_path / "runs" / "etl"
        env = {**started.env, **at(place), "FLYTE_ATTEMPT_NUMBER": "1"}
        done = run_task(reported.works, tmp_path, env)
        found = recorded(place)
        (text,) = records_in((done.outputs / "deck.html").read_text("utf-8"))
        in_deck = loads(text)
        both = collect([str(place), str(done.outputs / "deck.html")])
        assert [each.record for each in both.runs] == [found]
        assert (found.task, found.sdk, found.where) == (
            "tests.support.reported.works",
            "flytekit",
            "cluster",
        )
        assert found.config == reported.REPORTED.fingerprint
        assert (found.execution, found.attempt) == ("e1", 2)
        assert (found.run, found.workers, found.prefixes, found.wall) == (
            in_deck.run,
            in_deck.workers,
            in_deck.prefixes,
            in_deck.wall,
        )
        assert (found.number, len(found.workers)) == (2, 2)
        assert sum(each.finished for each in found.workers) == 40
        assert {each.name: each.finished for each in found.prefixes} == {"squared": 39, "sum": 1}
        assert all(each.peak > 10 * 2**20 for each in found.workers)
        assert found.scheduler is not None
        assert found.runner is not None
        assert min(found.scheduler.peak, found.runner.peak) > 10 * 2**20
        assert found.scheduler.cpu > 0
        assert found.wall is not None
        assert found.startup is not None
        assert 0 < found.wall < found.startup + found.wall
        assert found.is_to_scale
        assert (found.failure, found.reason, found.left_out) == (None, None, {})
        assert found.values["workers.number_of_workers"]["value"] == 2
        assert found.values["runtime.record"] == {
            "value": str(place),
            "source": "role",
            "by": "FLYTE_DASK_RECORD",
        }
        (name,) = [each.name for each in place.iterdir()]
        assert NAME.fullmatch(name)
        assert "_tests.support.reported.works_e1_2_" in name
        ((_, line),) = [each for each in done.logged() if ": record: " in each[1]]
        assert line == f"tests.support.reported.works: record: file://{place / name}"

    def test_without_a_deck(self, started: Cluster, tmp_path: Path) -> None:
        done = run_task(reported.has_none, tmp_path, {**started.env, **at(tmp_path / "runs")})
        assert not (done.outputs / "deck.html").exists()
        assert recorded(tmp_path / "runs").prefixes

    def test_each_run_has_a_file_of_its_own(self, started: Cluster, tmp_path: Path) -> None:
        """Also the same attempt of the same execution, as tasks of a map task may be."""
        for _ in range(2):
            run_task(reported.has_none, tmp_path, {**started.env, **at(tmp_path / "runs")})
        files = sorted((tmp_path / "runs").iterdir())
        began = [loads(each.read_text("utf-8")).began for each in files]
        assert len(began) == 2
        assert began == sorted(began)

    def test_of_a_function_that_fails(self, started: Cluster, tmp_path: Path) -> None:
        """Its error is the user's, and only its class is recorded."""
        run_task(reported.fails, tmp_path, {**started.env, **at(tmp_path / "runs")})
        found = recorded(tmp_path / "runs")
        assert (found.failure, found.reason) == ("ZeroDivisionError", "user")
        assert sum(each.failed for each in found.prefixes) == 1
        assert found.wall is not None
        assert "division by zero" not in dumps(found)

    def test_a_folder_that_cannot_be_written(self, started: Cluster, tmp_path: Path) -> None:
        """The task succeeds, and the warning names the place and the cause."""
        (tmp_path / "file").write_text("")
        place = tmp_path / "file" / "runs"
        done = run_task(reported.has_none, tmp_path, {**started.env, **at(place)})
        assert done.result == sum(number**2 for number in range(39))
        warnings = [text for level, text in done.logged() if level == "WARNING"]
        assert len(warnings) == 1
        start = f"tests.support.reported.has_none: the record is not written to {place}: "
        assert warnings[0].startswith(start)
        assert "NotADirectoryError" in warnings[0] or "FileExistsError" in warnings[0]

    @pytest.mark.fault
    def test_of_lost_workers(self, tmp_path: Path) -> None:
        with cluster(workers=2, nannies=False, env=CODE) as lost:
            env = {**lost.env, **at(tmp_path / "runs")}
            task = reported.loses_its_workers
            run_and_act(task, tmp_path, env, lambda _: kill_workers(lost))
        found = recorded(tmp_path / "runs")
        assert (found.failure, found.reason) == ("WorkersLost", "cluster")
        assert [each.lost for each in found.workers] == [1, 1]
        assert found.events["lost"] == 2

    @pytest.mark.fault
    def test_of_too_little_memory(self, tmp_path: Path) -> None:
        """Each death is counted with its worker."""
        with cluster(workers=2, memory_limit="300MiB", env=CODE) as small:
            env = {**small.env, **at(tmp_path / "runs")}
            run_task(faulty.dies, tmp_path, {**env, "ACME_DEATH": "memory"})
        found = recorded(tmp_path / "runs")
        assert (found.failure, found.reason) == ("WorkersKilled", "memory")
        assert sum(each.killed for each in found.workers) == found.events["killed"] >= 1
        assert max(each.peak for each in found.workers) > 0.9 * parse_bytes("300MiB")

    @pytest.mark.fault
    def test_of_a_cluster_that_never_came(self, tmp_path: Path) -> None:
        with cluster(workers=0) as empty:
            env = {**empty.env, **at(tmp_path / "runs"), "FLYTE_DASK_WORKER_TIMEOUT": "1"}
            run_task(reported.has_none, tmp_path, env)
        found = recorded(tmp_path / "runs")
        assert (found.failure, found.reason) == ("ClusterUnavailable", "timeout")
        assert (found.startup, found.wall, found.workers) == (None, None, ())

    def test_in_a_blob_store(self, tmp_path: Path) -> None:
        """It is written with Flyte's storage settings, as collections are."""
        import s3fs

        with without_keys(tmp_path), s3_store() as store, cluster(workers=2, env=CODE) as made:
            place = {"FLYTE_DASK_RECORD": "s3://acme/runs"}
            done = run_task(reported.has_none, tmp_path, {**made.env, **store.env, **place})
            options: Any = {**store.options, "skip_instance_cache": True}
            files: Any = s3fs.S3FileSystem(**options)
            (path,) = files.ls("acme/runs", detail=False)
            found = loads(files.cat_file(path))
            assert found.task == "tests.support.reported.has_none"
            assert store.key not in dumps(found)
            assert f"record: s3://{path}" in done.log
            env = {
                "AWS_ACCESS_KEY_ID": store.key,
                "AWS_SECRET_ACCESS_KEY": store.secret,
                "AWS_ENDPOINT_URL": store.endpoint,
            }
            listed = flyte_dask(tmp_path, "history", "s3://acme/runs", "--format", "json", **env)
            (run,) = json.loads(listed.stdout)["runs"]
            assert (run["place"], run["wall"]) == (f"s3://{path}", found.wall)


class TestLocally:
    """The cluster is this process, or its children."""

    @pytest.mark.parametrize("local", ["threads", "processes"])
    def test_of_a_task(self, local: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLYTE_DASK_LOCAL", local)
        monkeypatch.setenv("FLYTE_DASK_RECORD", str(tmp_path))
        task: Callable[[], int] = cast("Any", reported.has_none)
        assert task() == sum(number**2 for number in range(39))
        found = recorded(tmp_path)
        assert (found.where, found.execution, found.scheduler) == (local, None, None)
        assert found.runner is not None
        assert sum(each.finished for each in found.workers) == 40

    def test_sizes_of_inputs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLYTE_DASK_RECORD", str(tmp_path))
        task: Callable[..., int] = cast("Any", reported.adds)
        assert task(times=3) == 9
        (found,) = recorded(tmp_path).inputs
        assert (found.name, found.type, found.value) == ("times", "int", 3)

    def test_a_store_that_does_not_respond(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The task waits a bounded time for it."""
        monkeypatch.setattr(writing, "PATIENCE", 0.2)
        monkeypatch.delenv(ADDRESS, raising=False)
        with without_keys(tmp_path), socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
            config = Dask().with_runtime(record="s3://acme/runs")
            with caplog.at_level(logging.WARNING), session(config, "etl") as opened:
                opened.run(lambda: None)
        expected = "etl: the record is not written to s3://acme/runs: it took more than 0.2 s"
        assert expected in caplog.messages


class TestWhatIsLeftOut:
    """No secrets, no source, no data."""

    SECRETS = ("hunter2", "s3cr3t", "Traceback", "/home/ann")

    @given(st.text("0123456789abcdef", min_size=12, max_size=12))
    def test_of_all_texts_that_a_report_has(self, secret: str) -> None:
        """Whatever the report shows of errors, events, keys, versions and inputs."""
        secret = f"s{secret}"
        metrics = metrics_of(
            a_worker(event_counts={"failed": 1}),
            prefixes=(a_prefix(longest_key=f"inc-{secret}"),),
            events=(Event(1.0, "failed", "0", f"inc: ValueError('{secret}')"),),
            event_counts={"failed": 1},
        )
        raw = secret.encode()
        inputs = {"text": secret, "list": [secret], "dict": {secret: secret}, "raw": raw}
        config = Dask(workers=2).with_image(f"ann:{secret}@acme.com/etl:3")
        report = a_report(
            metrics,
            config,
            run=RunOfTask(NO_SDK, inputs),
            failure=Failure("ValueError", secret),
            versions={"dask": {"runner": secret}},
            where=f"on tcp://{secret}:8786",
            performance=secret,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ACME_PASSWORD", secret)
            text = dumps(record_of(report))
        assert secret not in text
        assert loads(text).failure == "ValueError"

    def test_of_a_config_that_has_them(self) -> None:
        """The environment of pods, texts of errors and passwords are in no record."""
        image = "ann:hunter2@registry.acme.com/etl:3"
        config = presets.small(2).with_image(image).with_runtime(record="s3://runs/etl")
        parent = Parent(environment=["PASSWORD"])
        job = Job.of(config, parent, Platform())
        report = a_report(None, job=job, runtime=config.runtime)
        text = dumps(record_of(report))
        assert not [each for each in self.SECRETS if each in text]
        assert loads(text).values["workers.image"]["value"] == "registry.acme.com/etl:3"

    @pytest.mark.parametrize(
        ("image", "expected"),
        [
            ("acme/etl:3", "acme/etl:3"),
            ("ann@acme.com/etl:3", "acme.com/etl:3"),
            (f"acme/etl@sha256:{'0' * 64}", f"acme/etl@sha256:{'0' * 64}"),
            (f"a:b@acme/etl@sha256:{'0' * 64}", f"acme/etl@sha256:{'0' * 64}"),
            ("{{.image.etl.fqn}}:3", "{{.image.etl.fqn}}:3"),
            ("an ImageSpec", "an ImageSpec"),
            ("", ""),
        ],
    )
    def test_of_images(self, image: str, expected: str) -> None:
        assert without_credentials(image) == expected

    def test_of_inputs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(ADDRESS, raising=False)
        config = Dask().with_runtime(record=str(tmp_path))
        given = {
            "text": "hunter2",
            "names": ["s3cr3t", "hunter2"],
            "by_name": {"hunter2": "s3cr3t"},
            "raw": b"hunter2",
            "flag": True,
        }
        with session(config, "etl", inputs=given) as opened:
            client = distributed.default_client()
            opened.run(lambda: client.gather(client.map(squared, [1, 2])))
        found = recorded(tmp_path)
        assert not [each for each in self.SECRETS if each in dumps(found)]
        sizes = {
            each.name: (each.type, each.rows, each.nbytes, each.value) for each in found.inputs
        }
        assert sizes == {
            "text": ("str", None, None, None),
            "names": ("list", 2, None, None),
            "by_name": ("dict", 1, None, None),
            "raw": ("bytes", None, 7, None),
            "flag": ("bool", None, None, None),
        }


def test_inputs_of_a_task_on_flyte(started: Cluster, tmp_path: Path) -> None:
    inputs = LiteralMap()
    inputs.literals["times"].scalar.primitive.integer = 4
    run_task(reported.adds, tmp_path, {**started.env, **at(tmp_path / "runs")}, inputs)
    (found,) = recorded(tmp_path / "runs").inputs
    assert (found.name, found.value) == ("times", 4)
