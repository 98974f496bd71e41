"""Dask's command, which exits once its parent is gone.

``python -m flyte_dask_engine.local.worker PID worker ...`` runs ``dask worker ...`` until the
process *PID*, its parent, has ended. Unlike ``--death-timeout`` that does not limit how long a
worker may take to start.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sys
import threading

__all__ = ["main"]

_INTERVAL = 0.5  # seconds
_PATIENCE = 3  # seconds for an orderly end


def _exit_after(parent: int) -> None:
    """Exit once *parent* has ended: the system then gives this process another parent.

    The end is orderly, if it does not take long: the scheduler has ended with the parent. If it
    does, the worker process of a nanny is killed too. It would end by itself after its nanny, but
    not while a task holds its GIL.
    """
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(_INTERVAL)
    os.kill(os.getpid(), signal.SIGTERM)
    never.wait(_PATIENCE)
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(1)


def main() -> None:
    """Run the command of the arguments, next to a thread that watches the parent."""
    parent = int(sys.argv.pop(1))
    threading.Thread(target=_exit_after, args=(parent,), name="parent-watch", daemon=True).start()
    runpy.run_module("dask", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
