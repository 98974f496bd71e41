"""Comments for all generated messages, fields and enum values, which become their docstrings.

Descriptors have no comments, so generated classes would have no docstrings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import Message

__all__ = ["COMMENTS", "CommentsDoNotFit", "attach_comments"]

COMMENTS = {
    "flyteidl.plugins.DaskJob": (
        "One Dask cluster for one task: a scheduler pod and a group of equal worker pods.\n"
        "The runner pod, which executes the task's function, is the task's own container."
    ),
    "flyteidl.plugins.DaskJob.scheduler": "The scheduler pod.",
    "flyteidl.plugins.DaskJob.workers": "The worker pods.",
    "flyteidl.plugins.DaskScheduler": "The scheduler pod.",
    "flyteidl.plugins.DaskScheduler.image": "Image reference; empty means the task's image.",
    "flyteidl.plugins.DaskScheduler.resources": (
        "Requests and limits; without any entry the pod has those of the task.\n"
        "A single entry replaces all of the task's resources."
    ),
    "flyteidl.plugins.DaskWorkerGroup": "Equal worker pods, with one worker process each.",
    "flyteidl.plugins.DaskWorkerGroup.number_of_workers": "Number of pods, at least 1.",
    "flyteidl.plugins.DaskWorkerGroup.image": "Image reference; empty means the task's image.",
    "flyteidl.plugins.DaskWorkerGroup.resources": (
        "Requests and limits of each worker; without any entry those of the task.\n"
        "A single entry replaces all of the task's resources."
    ),
    "flyteidl.core.Resources": "Requests and limits of one container, with an entry per dimension.",
    "flyteidl.core.Resources.requests": "Amounts that the pod reserves on its node.",
    "flyteidl.core.Resources.limits": "Maximum amounts that the pod may use.",
    "flyteidl.core.Resources.ResourceEntry": "The amount of one dimension.",
    "flyteidl.core.Resources.ResourceEntry.name": "The dimension.",
    "flyteidl.core.Resources.ResourceEntry.value": "A Kubernetes quantity, such as 500m or 2Gi.",
    "flyteidl.core.Resources.ResourceName": "The dimensions of a pod's resources.",
    "flyteidl.core.Resources.ResourceName.UNKNOWN": "Unset.",
    "flyteidl.core.Resources.ResourceName.CPU": "CPUs; a worker's limit is its number of threads.",
    "flyteidl.core.Resources.ResourceName.GPU": "Number of GPUs, an integer.",
    "flyteidl.core.Resources.ResourceName.MEMORY": "Bytes of memory.",
    "flyteidl.core.Resources.ResourceName.STORAGE": "Ignored by the Dask backends.",
    "flyteidl.core.Resources.ResourceName.EPHEMERAL_STORAGE": "Bytes of the node's local disk.",
}

# The fields of descriptors that hold definitions.
_DEFINITIONS = {"message_type", "enum_type", "field", "nested_type", "value"}


class CommentsDoNotFit(Exception):
    """A definition without a comment, or a comment without a definition."""


def attach_comments(files: Iterable[FileDescriptorProto], comments: dict[str, str]) -> None:
    """Add to every definition in *files* its comment, as a leading comment in the source.

    Raises:
        CommentsDoNotFit: if a definition has no comment, or a comment no definition.
    """
    defined: set[str] = set()
    for file in files:
        for name, path in _definitions(file, file.package, []):
            defined.add(name)
            if name in comments:
                file.source_code_info.location.add(
                    path=path, span=[0, 0, 0], leading_comments=comments[name]
                )
    missing, unknown = sorted(defined - comments.keys()), sorted(comments.keys() - defined)
    if missing or unknown:
        raise CommentsDoNotFit(
            f"codegen/comments.py must describe what flyteidl defines: "
            f"add {missing}, remove {unknown}"
        )


def _definitions(parent: Message, scope: str, path: list[int]) -> Iterator[tuple[str, list[int]]]:
    """The name of each definition in *parent*, and its path in the source locations of a file."""
    for field, values in parent.ListFields():
        if field.name in _DEFINITIONS:
            for index, each in enumerate(values):
                name, here = f"{scope}.{each.name}", [*path, field.number, index]
                yield name, here
                yield from _definitions(each, name, here)
