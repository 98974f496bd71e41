"""Writes the record of a run to the folder that its runtime sets; a task never fails for it."""

from __future__ import annotations

import threading

from flyte_dask_engine.foreign_errors import describe
from flyte_dask_engine.host import Host
from flyte_dask_engine.report.record import record_of
from flyte_dask_engine.report.report import Report
from flyte_dask_records import dumps
from flyte_dask_records.places import file_name, write

__all__ = ["PATIENCE", "write_record"]

PATIENCE = 10.0
"""Seconds for which the task waits for its record to be written."""

_MOST_TEXT = 300  # characters of an error


def write_record(report: Report, folder: str, host: Host) -> None:
    """Write the record of *report* to *folder*; log where it is, or warn if that takes too long."""
    logger, subject = host.runtime_logger, report.task
    places, errors = list[str](), list[Exception]()

    def run() -> None:
        try:
            record = record_of(report)
            places.append(write(dumps(record), folder, file_name(record)))
        except Exception as error:  # the filesystem's own, or a missing package
            errors.append(error)

    # one that is stuck must not keep the interpreter alive
    thread = threading.Thread(target=run, name="flyte-dask-record", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if places:
        logger.info("%s: record: %s", subject, places[0])
    elif errors:
        cause = describe(errors[0], _MOST_TEXT)
        logger.warning("%s: the record is not written to %s: %s", subject, folder, cause)
    else:
        line = "%s: the record is not written to %s: it took more than %g s"
        logger.warning(line, subject, folder, PATIENCE)
