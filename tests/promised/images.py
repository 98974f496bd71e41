from flytekit import task
from flytekitplugins.dask import Dask, Scheduler, WorkerGroup
import dask.dataframe as dd

# Assume 'my_custom_dask_image:latest' is an image with dask[distributed] installed
# and the necessary Python environment.
CUSTOM_DASK_IMAGE = "my_custom_dask_image:latest"

@task(
    task_config=Dask(
        scheduler=Scheduler(image=CUSTOM_DASK_IMAGE),
        workers=WorkerGroup(number_of_workers=3, image=CUSTOM_DASK_IMAGE),
    )
)
def process_large_dataset_with_custom_dask(data_path: str) -> int:
    df = dd.read_parquet(data_path)
    count = df.shape[0].compute()
    return int(count)
