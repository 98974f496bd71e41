"""Code that type checkers must reject, each line with the reasons in its comment; never run.

mypy's message follows the mark, and pyright's follows the bars.
"""

import flyte_dask
from flyte_dask import Parent, Preset, Quantity, Resources, merge
from flyte_dask.advice import advise
from flyte_dask.policy import Policy
from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.platform import Platform
from flyte_dask.team_files import parse
from flytekitplugins.dask import Dask, Runtime, Scheduler, WorkerGroup, presets

presets.mediun  # E: Module has no attribute "mediun" || "mediun" is not a known attribute of module
presets.medium("5")  # E: Argument 1 to "__call__" of "Preset" has incompatible type "str" || "Literal['5']" cannot be assigned to parameter "workers"
presets.medium(worker=5)  # E: Unexpected keyword argument "worker" for "__call__" of "Preset" || No parameter named "worker"
presets.medium(mem="4Gi")  # E: Unexpected keyword argument "mem" for "__call__" of "Preset" || No parameter named "mem"
presets.medium(5, Scheduler())  # E: Too many positional arguments for "__call__" of "Preset" || Expected 1 positional argument
presets.medium(scheduler=5)  # E: Argument "scheduler" to "__call__" of "Preset" has incompatible type "int" || cannot be assigned to parameter "scheduler"
presets.define("etl", presets.medium)  # E: Argument 2 to "define" has incompatible type "Preset"; expected "Dask" || "Preset" cannot be assigned to parameter "config"
presets.define("etl", Dask(), "doc")  # E: Too many positional arguments for "define" || Expected 2 positional arguments
presets.get(5)  # E: Argument 1 to "get" has incompatible type "int" || cannot be assigned to parameter "name"
presets.medium.config = Dask()  # E: Property "config" defined in "Preset" is read-only || Cannot assign to attribute "config" for class "Preset"
Dask(scheduler="img")  # E: Argument "scheduler" to "Dask" has incompatible type "str" || cannot be assigned to parameter "scheduler"
Dask(workers=Scheduler())  # E: Argument "workers" to "Dask" has incompatible type "Scheduler" || "Scheduler" cannot be assigned to parameter "workers"
Dask(workers="5")  # E: Argument "workers" to "Dask" has incompatible type "str" || "Literal['5']" cannot be assigned to parameter "workers"
Dask(worker=5)  # E: Unexpected keyword argument "worker" for "Dask" || No parameter named "worker"
Dask(Scheduler(), 5, 6)  # E: Argument 3 to "Dask" has incompatible type || Expected 2 positional arguments
WorkerGroup("4")  # E: Argument 1 to "WorkerGroup" has incompatible type "str" || cannot be assigned to parameter "number_of_workers"
WorkerGroup(2.5)  # E: Argument 1 to "WorkerGroup" has incompatible type "float" || "float" cannot be assigned to parameter "number_of_workers"
WorkerGroup(image=b"img")  # E: Argument "image" to "WorkerGroup" has incompatible type "bytes" || cannot be assigned to parameter "image"
WorkerGroup(requests="4Gi")  # E: Argument "requests" to "WorkerGroup" has incompatible type "str" || cannot be assigned to parameter "requests" of type "ResourcesLike | None"
WorkerGroup(resources="4Gi")  # E: Argument "resources" to "WorkerGroup" has incompatible type "str" || cannot be assigned to parameter "resources"
WorkerGroup(workers=4)  # E: Unexpected keyword argument "workers" for "WorkerGroup" || No parameter named "workers"
Scheduler(limits={"cpu": 1})  # E: Argument "limits" to "Scheduler" has incompatible type "dict[str, int]" || cannot be assigned to parameter "limits"
Resources(mem=4.0)  # E: Argument "mem" to "Resources" has incompatible type "float" || "float" cannot be assigned to parameter "mem"
Resources(memory="4Gi")  # E: Unexpected keyword argument "memory" for "Resources" || No parameter named "memory"
Resources(cpu=("1", "2"))  # E: Argument "cpu" to "Resources" has incompatible type "tuple[str, str]" || cannot be assigned to parameter "cpu"
Quantity(5)  # E: Argument 1 to "Quantity" has incompatible type "int" || "Literal[5]" cannot be assigned to parameter "text"
Dask().with_workers("5")  # E: Argument 1 to "with_workers" of "Dask" has incompatible type "str" || cannot be assigned to parameter "count"
Dask().with_workers(5, "32Gi")  # E: Too many positional arguments for "with_workers" of "Dask" || Expected 1 positional argument
Dask().with_workers(mem=4.0)  # E: Argument "mem" to "with_workers" of "Dask" has incompatible type "float" || cannot be assigned to parameter "mem"
Dask().with_workers(mem=("4Gi",))  # E: Argument "mem" to "with_workers" of "Dask" has incompatible type "tuple[str]" || cannot be assigned to parameter "mem"
Dask().with_workers(memory="4Gi")  # E: Unexpected keyword argument "memory" for "with_workers" of "Dask" || No parameter named "memory"
Dask().with_scheduler(5)  # E: Too many positional arguments for "with_scheduler" of "Dask" || Expected 0 positional arguments
Dask().with_scheduler(count=5)  # E: Unexpected keyword argument "count" for "with_scheduler" of "Dask" || No parameter named "count"
Dask().with_image()  # E: Missing positional argument "image" in call to "with_image" of "Dask" || Argument missing for parameter "image"
Dask().with_image(None)  # E: Argument 1 to "with_image" of "Dask" has incompatible type "None" || "None" cannot be assigned to parameter "image"
Dask().with_worker(5)  # E: "Dask" has no attribute "with_worker"; maybe "with_workers" || Cannot access attribute "with_worker" for class "Dask"
Dask().workers = WorkerGroup()  # E: Property "workers" defined in "Dask" is read-only || Cannot assign to attribute "workers" for class "Dask"
Dask().workers.number_of_workers = 8  # E: Property "number_of_workers" defined in "WorkerGroup" is read-only || Cannot assign to attribute "number_of_workers" for class "WorkerGroup"
WorkerGroup().origins["image"] = WorkerGroup().origins["mem"]  # E: Unsupported target for indexed assignment || "__setitem__" method not defined on type
Scheduler() | WorkerGroup()  # E: Unsupported operand types for | ("Scheduler" and "WorkerGroup") || Operator "|" not supported for types "Scheduler" and "WorkerGroup"
Dask() | presets.medium  # E: Unsupported operand types for | ("Dask" and "Preset") || Operator "|" not supported for types "Dask" and "Preset"
merge(Dask(), Scheduler())  # E: Value of type variable "C" of "merge" cannot be || "Scheduler" cannot be assigned to parameter "right"
Quantity("1").text = "2"  # E: Property "text" defined in "Quantity" is read-only || Cannot assign to attribute "text" for class "Quantity"
Quantity("1").txt = "2"  # E: "Quantity" has no attribute "txt" || Attribute "txt" is unknown
Quantity("1") < 2  # E: Unsupported operand types for < ("Quantity" and "int") || Operator "<" not supported for types "Quantity" and "Literal[2]"
Quantity("1") + 1  # E: Unsupported operand types for + ("Quantity" and "int") || Operator "+" not supported for types "Quantity" and "Literal[1]"
Quantity("1") * 0.5  # E: Unsupported operand types for * ("Quantity" and "float") || Operator "*" not supported for types "Quantity" and "float"


class Mine(Dask):  # E: Cannot inherit from final class "Dask" || Base class "Dask" is marked final
    """A subclass that flytekit would run as a plain task."""


class OurPreset(Preset):  # E: Cannot inherit from final class "Preset" || Base class "Preset" is marked final
    """Presets are made by `define`, not by subclasses."""
Dask(inherit="all")  # E: Argument "inherit" to "Dask" has incompatible type || cannot be assigned to parameter "inherit"
Dask(None, None, "off")  # E: Too many positional arguments for "Dask" || Expected 2 positional arguments
Dask().with_inherit(None)  # E: Argument 1 to "with_inherit" of "Dask" has incompatible type "None" || cannot be assigned to parameter "inherit"
Dask().inherit = "off"  # E: Property "inherit" defined in "Dask" is read-only || Cannot assign to attribute "inherit" for class "Dask"
Dask().resolve(Resources())  # E: Argument 1 to "resolve" of "Dask" has incompatible type "Resources" || "Resources" cannot be assigned to parameter "parent"
Parent(cpu=1)  # E: Unexpected keyword argument "cpu" for "Parent" || No parameter named "cpu"
flyte_dask.Parents  # E: Module has no attribute "Parents" || "Parents" is not a known attribute of module
Runtime(report="deck")  # E: Argument "report" to "Runtime" has incompatible type "Literal['deck']" || cannot be assigned to parameter "report"
Runtime(local="thread")  # E: Argument "local" to "Runtime" has incompatible type "Literal['thread']" || cannot be assigned to parameter "local"
Runtime(min_workers="2")  # E: Argument "min_workers" to "Runtime" has incompatible type "str" || cannot be assigned to parameter "min_workers"
Runtime(timeout=5)  # E: Unexpected keyword argument "timeout" for "Runtime" || No parameter named "timeout"
Runtime(True)  # E: Too many positional arguments for "Runtime" || Expected 0 positional arguments
Runtime().local = "processes"  # E: Property "local" defined in "Runtime" is read-only || Cannot assign to attribute "local" for class "Runtime"
Dask(runtime="threads")  # E: Argument "runtime" to "Dask" has incompatible type "str" || cannot be assigned to parameter "runtime"
Dask().with_runtime(worker_timeout="5m")  # E: Argument "worker_timeout" to "with_runtime" of "Dask" has incompatible type "str" || cannot be assigned to parameter "worker_timeout"
Dask(silence=5)  # E: Argument "silence" to "Dask" has incompatible type "int" || cannot be assigned to parameter "silence"
Dask().without_advice(["tiny-memory"])  # E: Argument 1 to "without_advice" of "Dask" has incompatible type || cannot be assigned to parameter "codes"
Dask().silence = ()  # E: Property "silence" defined in "Dask" is read-only || Cannot assign to attribute "silence" for class "Dask"
Platform(backend="v3")  # E: Argument "backend" to "Platform" has incompatible type "Literal['v3']" || cannot be assigned to parameter "backend"
Platform("v1")  # E: Too many positional arguments for "Platform" || Expected 0 positional arguments
Parent(environment=5)  # E: Argument "environment" to "Parent" has incompatible type "int" || cannot be assigned to parameter "environment"
Parent(sidecars=["proxy"])  # E: List item 0 has incompatible type "str"; expected "Sidecar" || cannot be assigned to parameter "sidecars"
predict(presets.medium)  # E: Argument 1 to "predict" has incompatible type "Preset"; expected "Dask" || cannot be assigned to parameter "config"
advise(Dask(), Platform())  # E: Argument 2 to "advise" has incompatible type "Platform" || cannot be assigned to parameter "parent"
Policy(max_worker=5)  # E: Unexpected keyword argument "max_worker" for "Policy" || No parameter named "max_worker"
parse("", "ini")  # E: Argument 2 to "parse" has incompatible type "Literal['ini']" || cannot be assigned to parameter "fmt"
