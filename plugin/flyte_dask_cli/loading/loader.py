"""Import users' modules as ``pyflyte`` does, and find their Dask tasks."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any, NamedTuple, final

from flytekit.core.context_manager import FlyteEntities
from flytekit.core.python_function_task import PythonFunctionTask
from flytekit.core.task import TaskPlugins
from flytekit.core.workflow import ImperativeWorkflow, PythonFunctionWorkflow, WorkflowBase

from flyte_dask.errors import ConfigError, InvalidConfig, Problem
from flyte_dask.errors.call_site import CallSite
from flyte_dask.errors.recording import Recording, current_recording, recorded_errors
from flyte_dask.errors.suggestions import did_you_mean
from flyte_dask.explanation.summary import Json
from flyte_dask_cli.loading.findings import finding, from_error, is_installed
from flyte_dask_cli.loading.flyte2_tasks import (
    findings_in,
    is_of_flyte2,
    is_plain_of_flyte2,
    tasks_in,
)
from flyte_dask_cli.loading.nodes import OverriddenNode, Subject, overridden_nodes
from flyte_dask_cli.loading.serialize import Task
from flyte_dask_cli.loading.targets import Target
from flytekitplugins.dask.flytekit_internals import function_of
from flytekitplugins.dask.task import DaskTask

__all__ = ["Loaded", "Loader"]


@final
class Loaded(NamedTuple):
    """The tasks of a module, the variants and the nodes of its workflows, and other findings."""

    tasks: list[Task]
    nodes: Sequence[OverriddenNode] = ()
    findings: Sequence[Json] = ()
    is_valid: bool = True
    """Whether it can be imported as it is, without stand-ins for invalid configs."""
    invalid: Sequence[Task] = ()
    """The tasks that are not in `tasks`, since their configs are invalid."""
    failure: BaseException | None = None
    """The error that ended its import."""


@final
class Loader:
    """Imports modules one after the other, each from its own root folder."""

    def __init__(self) -> None:
        self._own_path = list(sys.path)
        self._own_modules = set(sys.modules)
        self._folder = os.getcwd()  # noqa: PTH109  # as Python's path has it
        self._root: str | None = None
        self._seen = len(FlyteEntities.entities)
        self._defined: dict[str, list[Any]] = {}
        """Tasks and workflows, by the name of their module."""
        self._variants: set[DaskTask] = set()
        self._nodes: set[Subject] = set()

    def load(self, target: Target) -> Loaded:
        """All of *target*; if it has invalid configs, all of these, and its other tasks."""
        try:
            module = self._imported(target)
        except BaseException as error:  # a module may raise anything
            failure = error
        else:
            return self._load_valid(module, target.task)
        # outside of the handler: what is recorded must not be shown as raised while handling it
        if isinstance(failure, ConfigError) or _is_of_removed_name(failure):
            return self._load_invalid(target, failure)
        return Loaded([], is_valid=False, failure=failure)

    def _load_valid(self, module: ModuleType, task: str | None) -> Loaded:
        with recorded_errors() as recording:
            return _valid(self._loaded(module, task), recording)

    def _load_invalid(self, target: Target, error: BaseException) -> Loaded:
        """*target*, whose import raised *error*: it is imported again with all errors recorded."""
        loaded = Loaded([])
        failure: BaseException | None = None
        with recorded_errors() as recording:
            if isinstance(error, ConfigError):
                recording.errors.append(error)
            try:
                loaded = self._loaded(self._imported(target), None)
            except (ConfigError, ImportError, SyntaxError) as other:
                failure = other
            except BaseException:  # it may be due to a stand-in
                failure = error if isinstance(error, ConfigError) else recording.errors[0]
        return _valid(loaded, recording)._replace(is_valid=False, failure=failure)

    def _loaded(self, module: ModuleType, task: str | None) -> Loaded:
        """All of *module*, or one *task* of it."""
        defined = self._defined.get(module.__name__, [])
        if task:
            return Loaded([_task_named(task, module, defined)])
        of_flyte2 = tasks_in(module)
        ignored = [_ignored_config(each) for each in defined if _is_ignored(each)]
        findings = [*ignored, *findings_in(module)]
        nodes: list[OverriddenNode] = []
        for each in defined:
            if isinstance(each, WorkflowBase):
                problems = _compiled(each)
                nodes += [] if problems else self._new_nodes(each, problems)
                findings = [*problems, *findings]
        tasks = [each for each in defined if isinstance(each, DaskTask)]
        return Loaded([*tasks, *self._new_variants(), *of_flyte2], nodes, findings)

    def _new_nodes(self, workflow: WorkflowBase, findings: list[Json]) -> Iterator[OverriddenNode]:
        """The nodes with overrides that no other workflow has; adds *findings* of invalid ones."""
        for each in overridden_nodes(workflow):
            if isinstance(each, list):
                findings += each
            elif each.subject not in self._nodes:
                self._nodes.add(each.subject)
                yield each

    def _new_variants(self) -> list[DaskTask]:
        """The variants that compiled workflows have added, of tasks of any module."""
        tasks = [each for each in FlyteEntities.entities if isinstance(each, DaskTask)]
        new = [each for task in tasks for each in task.variants if each not in self._variants]
        self._variants.update(new)
        return new

    def _imported(self, target: Target) -> ModuleType:
        self._enter(target.root)
        self._restore(target)
        try:
            module = importlib.import_module(target.name)
            self._record_definitions(module)
        except BaseException:
            self._record_definitions(None)
            raise
        finally:
            os.chdir(self._folder)
        file = getattr(module, "__file__", None)
        if target.file and not (file and Path(file).samefile(target.file)):
            where = f"at {file}" if file else "of Python itself"
            rule = f"is shadowed by the module {target.name} {where}"
            raise _rejected(Problem("file", Path(target.file), rule, "rename it"), target.file)
        return module

    def _enter(self, root: str) -> None:
        """Make *root* the folder of imports, and unload modules of the previous one."""
        if root == self._root:
            return
        for name in set(sys.modules) - self._own_modules:
            if self._root and _is_in(sys.modules[name], self._root):
                del sys.modules[name]
        self._root = root
        self._defined.clear()

    def _restore(self, target: Target) -> None:
        """Reset the state of `sys` that another module may have changed."""
        sys.path[:] = [target.root, *self._own_path]
        sys.argv[:] = [target.file or target.name]
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None or getattr(stream, "closed", False):
                setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        importlib.invalidate_caches()

    def _record_definitions(self, imported: ModuleType | None) -> None:
        """Group new tasks and workflows by their module; *imported* is the last one.

        Those of a module whose import failed are left out: it may be imported again.
        """
        new = FlyteEntities.entities[self._seen :]
        self._seen += len(new)
        for each in new:
            function = function_of(each)
            if function is not None:  # a function may be defined in another module
                module = getattr(each, "instantiated_in", None) or function.__module__
                if module in sys.modules:
                    self._defined.setdefault(module, []).append(each)
            elif isinstance(each, ImperativeWorkflow) and imported:  # it does not know its module
                self._defined.setdefault(imported.__name__, []).append(each)


def _valid(loaded: Loaded, recording: Recording) -> Loaded:
    """*loaded* without its invalid tasks and nodes, and with the errors of the *recording*."""
    problems = [found for each in recording.errors for found in from_error(each, "is invalid")]
    tasks = [each for each in loaded.tasks if not _is_invalid(each, recording)]
    nodes = [each for each in loaded.nodes if not _is_invalid(each.task, recording)]
    invalid = [each for each in loaded.tasks if _is_invalid(each, recording)]
    return Loaded(tasks, nodes, [*problems, *loaded.findings], invalid=invalid)


def _is_invalid(task: Task, recording: Recording) -> bool:
    """Whether *task* or its config stands in for an invalid one."""
    config = task.task_config if isinstance(task, DaskTask) else task.plugin_config
    return recording.is_stand_in(task) or recording.is_stand_in(config)


def _is_in(module: ModuleType, folder: str) -> bool:
    """Whether *module* is a user's own code in *folder*."""
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    inside = [place for place in places if place and place.startswith(f"{folder}{os.sep}")]
    return not all(map(is_installed, inside))


def _compiled(workflow: WorkflowBase) -> list[Json]:
    """Compile a workflow, whose nodes may have overrides; the findings if that fails."""
    try:
        workflow.compile()
    except BaseException as error:  # a user's code may raise anything
        return list(from_error(error, f"the workflow {workflow.name} cannot be compiled"))
    return []


def _task_named(name: str, module: ModuleType, defined: list[Any]) -> Task:
    """The Dask task of *module* whose variable or function is called *name*."""
    tasks: dict[str, Task] = {each.func.__name__: each for each in tasks_in(module)}
    for each in defined:
        if isinstance(each, DaskTask):
            tasks[each.task_function.__name__] = each
    found: Any = getattr(module, name, None) or tasks.get(name)
    if isinstance(found, DaskTask) or is_of_flyte2(found):
        task: Task = found
        return task
    rule = f"of {module.__name__} is not a Dask task"
    remedy = "decorate its function with @task(task_config=Dask(...))"
    if found is None:
        rule = f"is not a task of {module.__name__}"
        known = f"known tasks: {', '.join(tasks)}" if tasks else "it has no Dask tasks"
        remedy = did_you_mean(name, tasks) or known
    elif isinstance(found, PythonFunctionWorkflow):
        rule, remedy = f"of {module.__name__} is a workflow", "name one of its tasks"
    elif is_plain_of_flyte2(found):
        remedy = "give its environment a config: flyte.TaskEnvironment(plugin_config=Dask(...))"
    elif _has_ignored_config(found):
        rule = f"of {module.__name__} {_rule_of(found)}"
    raise _rejected(Problem("task", name, rule, remedy), module.__file__)


def _is_of_removed_name(error: BaseException) -> bool:
    """Whether the package of the plugin raised *error*, when it was asked for a name."""
    raised_in = [frame.f_globals.get("__name__") for frame, _ in walk_tb(error.__traceback__)]
    names = isinstance(error, (AttributeError, ImportError))
    return names and raised_in[-1:] == ["flytekitplugins.dask"]


def _is_ignored(entity: Any) -> bool:
    """Whether it has an ignored config, that is what the user wrote."""
    recording = current_recording()
    is_ignored = _has_ignored_config(entity)
    return is_ignored and not (recording and recording.is_stand_in(entity.task_config))


def _has_ignored_config(entity: object) -> bool:
    """Whether it is a task that flytekit runs without a plugin, though it has a config."""
    if not isinstance(entity, PythonFunctionTask) or entity.task_config is None:
        return False
    plugin = TaskPlugins.find_pythontask_plugin(type(entity.task_config))
    return plugin is PythonFunctionTask and entity.task_type == "python-task"


def _ignored_config(task: Any) -> Json:
    code = task.task_function.__code__
    where = CallSite(code.co_filename, code.co_firstlineno)
    remedy = "use Dask(...) or a preset, such as presets.medium()"
    others = {"task": task.name, "path": "task_config", "remedy": remedy}
    return finding("error", "config", f"it {_rule_of(task)}", where, **others)


def _rule_of(task: Any) -> str:
    """The problem of a config without a plugin; its values may be secret."""
    kind = type(task.task_config).__name__
    return f"is a plain task without a cluster: flytekit has no plugin for a {kind}"


def _rejected(problem: Problem, file: str | None) -> InvalidConfig:
    return InvalidConfig("the command", [problem], CallSite(file, 1) if file else None)
