"""Many workers of one thread in one process: ``python -m bench.many_workers ADDRESS NUMBER``.

To the scheduler they are workers like any other.
"""

from __future__ import annotations

import asyncio
import sys

from distributed import Worker

__all__ = ["READY"]

READY = "all workers have joined"


async def main(address: str, number: int) -> None:
    """Run *number* workers of the scheduler at *address* until it ends."""
    workers = [
        Worker(
            address,
            nthreads=1,
            name=f"worker-{each}",
            host="127.0.0.1",
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            dashboard=False,
        )
        for each in range(number)
    ]
    await asyncio.gather(*workers)
    print(READY, flush=True)
    await asyncio.gather(*(each.finished() for each in workers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
