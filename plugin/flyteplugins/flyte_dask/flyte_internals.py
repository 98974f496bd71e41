"""What the adapter uses of ``flyte`` that is not public.

``flyte.extend`` exports some of it, but imports the builders of images too, which takes longer than
``flyte`` itself. The contract tests fail where a release of the SDK changes it.
"""

from __future__ import annotations

from flyte._task_plugins import TaskPluginRegistry as task_plugins

__all__ = ["SYS_PATH", "task_plugins"]

SYS_PATH = "_F_SYS_PATH"
"""The environment variable with what the runner adds to its import path, relative to the code."""
