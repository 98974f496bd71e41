"""The tasks of a user's module: imported as ``pyflyte`` would, whatever happens then."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, final

from flytekit.core.context_manager import FlyteEntities
from flytekit.core.python_function_task import PythonFunctionTask
from flytekit.core.task import TaskPlugins
from flytekit.core.workflow import PythonFunctionWorkflow

from flyte_dask.errors import InvalidConfig, Problem
from flyte_dask.errors.call_site import CallSite
from flyte_dask.errors.suggestions import did_you_mean
from flyte_dask.explanation.summary import Json
from flyte_dask_cli.loading.findings import finding, is_installed, of_error
from flyte_dask_cli.loading.targets import Target
from flytekitplugins.dask.flytekit_internals import function_of
from flytekitplugins.dask.task import DaskTask

__all__ = ["Loader"]


@final
class Loader:
    """Imports one module after the other, each from its own folder."""

    def __init__(self) -> None:
        self._own_path = list(sys.path)
        self._own_modules = set(sys.modules)
        self._folder = os.getcwd()  # noqa: PTH109  # as it is put on Python's path
        self._root: str | None = None
        self._seen = len(FlyteEntities.entities)
        self._defined: dict[str, list[Any]] = {}
        """Tasks and workflows, by the name of their module."""
        self._variants: set[DaskTask] = set()

    def load(self, target: Target) -> tuple[list[DaskTask], list[Json]]:
        """The Dask tasks that *target* means, those of nodes too, and what is wrong with others."""
        module = self._imported(target)
        self._note_definitions()
        defined = self._defined.get(module.__name__, [])
        if target.task:
            return [_named(target.task, module, defined)], []
        findings = [each for one in defined for each in _compiled(one)]
        findings += [_ignored(each) for each in defined if _has_ignored_config(each)]
        tasks = [each for each in defined if isinstance(each, DaskTask)]
        return [*tasks, *self._new_variants()], findings

    def _new_variants(self) -> list[DaskTask]:
        """What workflows have made since, of whichever module's tasks."""
        tasks = [each for each in FlyteEntities.entities if isinstance(each, DaskTask)]
        new = [each for task in tasks for each in task.variants if each not in self._variants]
        self._variants.update(new)
        return new

    def _imported(self, target: Target) -> ModuleType:
        self._enter(target.root)
        self._restore(target)
        try:
            module = importlib.import_module(target.name)
        finally:
            os.chdir(self._folder)
        file = getattr(module, "__file__", None)
        if target.file and not (file and Path(file).samefile(target.file)):
            where = f"at {file}" if file else "of Python itself"
            rule = f"is hidden by the module {target.name} {where}"
            raise _refused(Problem("file", Path(target.file), rule, "rename it"), target.file)
        return module

    def _enter(self, root: str) -> None:
        """Let modules be found in *root*, and forget those that were found in the one before."""
        if root == self._root:
            return
        before = (self._root, self._folder)
        for name in set(sys.modules) - self._own_modules:
            if any(folder and _is_in(sys.modules[name], folder) for folder in before):
                del sys.modules[name]
        self._root = root
        self._defined.clear()

    def _restore(self, target: Target) -> None:
        """Have things as they were before another module changed them."""
        sys.path[:] = [target.root, *self._own_path, self._folder]
        sys.argv[:] = [target.file or target.name]
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None or getattr(stream, "closed", False):
                setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        importlib.invalidate_caches()

    def _note_definitions(self) -> None:
        """Sort what was defined since by its module."""
        new = FlyteEntities.entities[self._seen :]
        self._seen += len(new)
        for each in new:
            function = function_of(each)
            if function is not None:  # which may be another module's
                module = getattr(each, "instantiated_in", None) or function.__module__
                self._defined.setdefault(module, []).append(each)


def _is_in(module: ModuleType, folder: str) -> bool:
    """Whether it is the code of somebody who works in *folder*."""
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    return any(
        place and place.startswith(f"{folder}{os.sep}") and not is_installed(place)
        for place in places
    )


def _compiled(entity: object) -> list[Json]:
    """Make the nodes of a workflow, which may have configs of their own."""
    if not isinstance(entity, PythonFunctionWorkflow):
        return []
    try:
        entity.compile()
    except BaseException as error:  # whatever a user's code does
        return list(of_error(error, f"the workflow {entity.name} cannot be compiled"))
    return []


def _named(name: str, module: ModuleType, defined: list[Any]) -> DaskTask:
    """The Dask task *name* of *module*: that of this variable, or whose function has the name."""
    tasks = {each.task_function.__name__: each for each in defined if isinstance(each, DaskTask)}
    found = getattr(module, name, None) or tasks.get(name)
    if isinstance(found, DaskTask):
        return found
    if found is None:
        rule = f"is no task of {module.__name__}"
        known = f"it has {', '.join(tasks)}" if tasks else "it has no Dask task"
        raise _refused(
            Problem("task", name, rule, did_you_mean(name, tasks) or known), module.__file__
        )
    rule = f"of {module.__name__} is no Dask task"
    remedy = "write @task(task_config=...) with a Dask config above its function"
    if isinstance(found, PythonFunctionWorkflow):
        rule, remedy = f"of {module.__name__} is a workflow", "name one of its tasks"
    if _has_ignored_config(found):
        rule = f"of {module.__name__} {_rule_of(found)}"
    raise _refused(Problem("task", name, rule, remedy), module.__file__)


def _has_ignored_config(entity: object) -> bool:
    """Whether flytekit runs it as a plain task, and its config is of a type that nobody knows."""
    if not isinstance(entity, PythonFunctionTask) or entity.task_config is None:
        return False
    plugin = TaskPlugins.find_pythontask_plugin(type(entity.task_config))
    return plugin is PythonFunctionTask and entity.task_type == "python-task"


def _ignored(task: Any) -> Json:
    code = task.task_function.__code__
    return finding(
        "error",
        "config",
        f"it {_rule_of(task)}",
        site=CallSite(code.co_filename, code.co_firstlineno),
        task=task.name,
        path="task_config",
        remedy="write Dask(...), or call a preset, if one is meant",
    )


def _rule_of(task: Any) -> str:
    """What its config makes of it; not what is in there, which may be anything."""
    kind = type(task.task_config).__name__
    return f"is a plain task without a cluster: flytekit has no plugin for a {kind}"


def _refused(problem: Problem, file: str | None) -> InvalidConfig:
    return InvalidConfig("the command", [problem], CallSite(file, 1) if file else None)
