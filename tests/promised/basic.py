from flytekit import task
from flytekitplugins.dask import Dask
import dask.dataframe as dd

@task(task_config=Dask())
def my_dask_dataframe_task(csv_path: str) -> float:
    df = dd.read_csv(csv_path)
    result = df.x.mean().compute()
    return float(result)
