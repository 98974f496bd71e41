"""Remedies for arguments that a call does not have, and that are set elsewhere.

The nearest name would mislead: ``min_workers`` resembles ``workers``, and means something else.
Where a task sets something, the remedies name the way of both SDKs.
"""

from __future__ import annotations

from collections.abc import Collection

from flyte_dask.errors.suggestions import synonym_of

__all__ = ["misplaced", "resources_remedy", "set_by_task"]

_AMOUNTS = ("cpu", "mem", "gpu", "ephemeral_storage")

_SETTINGS = {
    # tables: setting names
    "client",
    "require_cluster",
    "min_workers",
    "connect_timeout",
    "worker_timeout",
    "stall_timeout",
    "scheduler_timeout",
    "ship_code",
    "configure_storage",
    "check_versions",
    "report",
    "record",
    "local",
    "dashboard",
    "progress",
    # /tables
}
"""The settings of a runtime."""

_TIMEOUTS = (
    "connect_timeout, until the scheduler answers; worker_timeout, until min_workers have "
    "connected; stall_timeout, while work is pending and no worker makes progress; or "
    "scheduler_timeout, while the scheduler does not respond. To limit the whole run, use "
    "@task(timeout=...), or in Flyte 2 @env.task(timeout=...)"
)

_COPIES = "all pods of the cluster are copies of the task's"
_OF_THE_TASK: dict[str, str] = {
    "env environment environments environment_variables envs env_vars": (
        f"{_COPIES}: use @task(environment=...), or in Flyte 2 TaskEnvironment(env_vars=...)"
    ),
    "secret secrets secret_requests": (
        f"{_COPIES}: use @task(secret_requests=...), or in Flyte 2 TaskEnvironment(secrets=...)"
    ),
    "shared_memory shm shm_size": (
        f"{_COPIES}: use @task(shared_memory=...), or in Flyte 2 "
        "TaskEnvironment(resources=flyte.Resources(shm=...))"
    ),
    "accelerator accelerators gpu_type device device_class": (
        f"{_COPIES}: use @task(accelerator=...), or in Flyte 2 "
        'TaskEnvironment(resources=flyte.Resources(gpu="T4:1"))'
    ),
    "pod_template pod_templates pod_spec podspec k8s_pod job_pod_spec node_selector node_selectors "
    "node_affinity affinity toleration tolerations taints label labels annotation annotations "
    "volume volumes volume_mounts service_account service_account_name sidecar sidecars "
    "containers init_containers priority_class priority_class_name image_pull_secrets "
    "runtime_class_name security_context": (
        f"{_COPIES}: use a pod template, @task(pod_template=...), or in Flyte 2 "
        "TaskEnvironment(pod_template=...)"
    ),
    "retries max_retries retry": (
        "set it for the task: @task(retries=...), or in Flyte 2 @env.task(retries=...)"
    ),
    "cache cached cache_version": (
        "set it for the task: @task(cache=...), or in Flyte 2 TaskEnvironment(cache=...)"
    ),
    "interruptible preemptible spot": (
        "set it for the task, whose workers follow it: @task(interruptible=...), or in Flyte 2 "
        "TaskEnvironment(interruptible=...)"
    ),
}
"""What only a task sets, by the names that it may have."""

_TASKS = {name: remedy for names, remedy in _OF_THE_TASK.items() for name in names.split()}

_METHODS = {
    "inherit": "use .with_inherit(...) on the config",
    "silence": "use .without_advice(...) on the config",
    "runtime": "use .with_runtime(...) on the config",
}
_SCALING = {
    *("minimum", "maximum", "min", "max", "min_workers", "max_workers", "minimum_workers"),
    *("maximum_workers", "min_replicas", "max_replicas", "min_size", "max_size", "adapt"),
    *("adaptive", "adaptive_scaling", "autoscale", "autoscaler", "autoscaling", "scale"),
}
_GROUPS = {
    *("additional_worker_groups", "additional_workers", "extra_workers", "worker_groups"),
    *("workers_groups", "more_workers", "groups"),
}
_THREADS = {"nthreads", "threads", "threads_per_worker", "n_threads", "num_threads"}
_BOTH = {"resources", "requests", "limits", "request", "limit"}


def misplaced(name: str, names: Collection[str]) -> str | None:
    """Where to set *name* instead, which is not among the *names* of a call's arguments.

    None if that is unknown, or the call is not one that makes a config.
    """
    if not _is_of_config(names):
        return None
    return (
        set_by_task(name, names)
        or _of_config(name, names)
        or _number(name, names)
        or _amount(name, names)
    )


def set_by_task(name: str, names: Collection[str]) -> str | None:
    """The remedy for *name* among *names* if a task sets it, in code and in team files alike.

    A timeout may also be one of a runtime.
    """
    if not _is_of_config(names):
        return None
    if name == "timeout" and "stall_timeout" in names:
        return f"use {_TIMEOUTS}"
    return _TASKS.get(name)


def _is_of_config(names: Collection[str]) -> bool:
    """Whether *names* are of a config, of one of its parts, or of a method that changes it."""
    marks = ({"stall_timeout"}, {"workers", "scheduler"}, {"image", "resources"}, {"mem"})
    return any(each <= {*names} for each in marks)


def _of_config(name: str, names: Collection[str]) -> str | None:
    """Where to set *name* if it belongs to another part of a config."""
    if f"{name}_timeout" in names:
        return f"did you mean '{name}_timeout'?"
    if name == "timeout":
        return f"use .with_runtime(...) with {_TIMEOUTS}"
    if name in _SETTINGS:
        return f"use .with_runtime({name}=...) on the config"
    return _METHODS.get(name)


def _number(name: str, names: Collection[str]) -> str | None:
    """Where to set a number of workers, of groups of them, or of limits of their number."""
    count = synonym_of("workers", names)
    if name in _SCALING:
        use = f"{count}=..." if count else "Dask(workers=...)"
        return f"Flyte starts a fixed number of workers: use {use}"
    if name in _GROUPS:
        return (
            "Flyte starts one group of workers, all alike: use workers=WorkerGroup(...), and "
            "another task for workers of another size"
        )
    if synonym_of(name, ["workers"]):
        return "use Dask(workers=...) for the number of workers"
    return None


def _amount(name: str, names: Collection[str]) -> str | None:
    """Where to set an amount of a role, or both sides of all of them."""
    is_role = {"image", "resources"} <= {*names}
    if name in _BOTH and not is_role:
        return resources_remedy(names)
    argument = synonym_of(name, (*_AMOUNTS, "image"))
    if argument is None:
        return None
    is_scheduler = is_role and "number_of_workers" not in names
    if name in _THREADS and is_scheduler:
        return (
            "omit it: a scheduler runs no tasks, and workers have a thread per CPU of their limit"
        )
    threads = ": a worker has a thread per CPU of its limit" if name in _THREADS else ""
    if is_role:
        sides = f"requests=Resources({argument}=...) and limits=Resources({argument}=...)"
        return f"use {sides}{threads}"
    if threads:
        return f"use .with_workers({argument}=...) on the config{threads}"
    both = ".with_image(...), " if argument == "image" else ""
    by_role = f".with_workers({argument}=...) or .with_scheduler({argument}=...)"
    return f"use {both}{by_role} on the config"


def resources_remedy(names: Collection[str]) -> str | None:
    """Where to set amounts instead of passing a ``Resources`` to a call with these *names*."""
    if {"cpu", "mem"} <= {*names}:
        return "use cpu=..., mem=... and so on: an amount is both, a pair is (request, limit)"
    if {"workers", "scheduler"} <= {*names}:
        return (
            "each role has its own: use .with_workers(cpu=..., mem=...) and .with_scheduler(...) "
            "on the config"
        )
    return None
