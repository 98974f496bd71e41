from flytekit import task, Resources
from flytekitplugins.dask import Dask, Scheduler, WorkerGroup
import dask.array as da

@task(
    task_config=Dask(
        scheduler=Scheduler(
            requests=Resources(cpu="1", mem="2Gi"),
            limits=Resources(cpu="2", mem="4Gi"),
        ),
        workers=WorkerGroup(
            number_of_workers=5,
            requests=Resources(cpu="0.5", mem="1Gi"),
            limits=Resources(cpu="1", mem="2Gi"),
        ),
    )
)
def my_distributed_array_task(size: int) -> float:
    x = da.random.random((size, size), chunks=(1000, 1000))
    result = x.mean().compute()
    return float(result)
