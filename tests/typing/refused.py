"""What type checkers must refuse, each line for the reason beside it; never run."""

from flyte_dask import Quantity, Resources
from flytekitplugins.dask import Dask, Scheduler, WorkerGroup, presets

presets.mediun  # E: Module has no attribute "mediun"
presets.medium("5")  # E: Argument 1 to "__call__" of "Preset" has incompatible type "str"
presets.medium(worker=5)  # E: Unexpected keyword argument "worker" for "__call__" of "Preset"
presets.medium(5, Scheduler())  # E: Too many positional arguments for "__call__" of "Preset"
Dask(scheduler="img")  # E: Argument "scheduler" to "Dask" has incompatible type "str"
Dask(workers=Scheduler())  # E: Argument "workers" to "Dask" has incompatible type "Scheduler"
Dask(worker=5)  # E: Unexpected keyword argument "worker" for "Dask"
WorkerGroup("4")  # E: Argument 1 to "WorkerGroup" has incompatible type "str"
WorkerGroup(image=b"img")  # E: Argument "image" to "WorkerGroup" has incompatible type "bytes"
WorkerGroup(requests="4Gi")  # E: Argument "requests" to "WorkerGroup" has incompatible type "str"
WorkerGroup(workers=4)  # E: Unexpected keyword argument "workers" for "WorkerGroup"
Resources(mem=4.0)  # E: Argument "mem" to "Resources" has incompatible type "float"
Resources(memory="4Gi")  # E: Unexpected keyword argument "memory" for "Resources"
Resources(cpu=("1", "2"))  # E: Argument "cpu" to "Resources" has incompatible type "tuple[str, str]"
Quantity(5)  # E: Argument 1 to "Quantity" has incompatible type "int"
Dask().workers = WorkerGroup()  # E: Property "workers" defined in "Dask" is read-only
WorkerGroup().number_of_workers = 8  # E: Property "number_of_workers" defined in "WorkerGroup" is read-only
Scheduler() | WorkerGroup()  # E: Unsupported operand types for | ("Scheduler" and "WorkerGroup")
Quantity("1") < 2  # E: Unsupported operand types for < ("Quantity" and "int")


class Mine(Dask):  # E: Cannot inherit from final class "Dask"
    """A subclass that flytekit would run as a plain task."""
