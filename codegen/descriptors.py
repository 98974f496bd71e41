"""Descriptors of the installed flyteidl, pruned to what a ``DaskJob`` needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import cast

from flyteidl.plugins import dask_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

__all__ = ["dask_job_files", "digest", "pruned_files"]


def dask_job_files() -> list[FileDescriptorProto]:
    """The pruned files that define a ``DaskJob``, dependencies first."""
    return pruned_files(cast("Descriptor", dask_pb2.DaskJob.DESCRIPTOR))


def pruned_files(root: Descriptor) -> list[FileDescriptorProto]:
    """The files that define *root*, dependencies first, without definitions that it does not use.

    Services, file options, explicit JSON names and unused imports are removed too: they differ
    between flyteidl releases, and do not affect the Python classes.
    """
    used = _used(root)
    names = {type_.full_name for type_ in used}
    files = _dependencies_first({type_.file.name: type_.file for type_ in used})
    return [_prune(file, names, kept={kept.name for kept in files}) for file in files]


def digest(files: Iterable[FileDescriptorProto]) -> str:
    """The SHA-256 of the serialized *files* in hex; equal definitions have equal digests."""
    sha = hashlib.sha256()
    for file in files:
        sha.update(file.SerializeToString(deterministic=True))
    return sha.hexdigest()


def _used(root: Descriptor) -> list[Descriptor | EnumDescriptor]:
    found: dict[str, Descriptor | EnumDescriptor] = {}
    waiting: list[Descriptor | EnumDescriptor] = [root]
    while waiting:
        type_ = waiting.pop()
        if type_.full_name in found:
            continue
        found[type_.full_name] = type_
        if isinstance(type_, Descriptor):
            for field in type_.fields:
                waiting += [inner for inner in (field.message_type, field.enum_type) if inner]
    return list(found.values())


def _dependencies_first(files: dict[str, FileDescriptor]) -> list[FileDescriptor]:
    ordered: dict[str, FileDescriptor] = {}

    def visit(file: FileDescriptor) -> None:
        for dependency in sorted(file.dependencies, key=lambda dependency: dependency.name):
            visit(dependency)
        if file.name in files:
            ordered.setdefault(file.name, file)

    for name in sorted(files):
        visit(files[name])
    return list(ordered.values())


def _prune(file: FileDescriptor, names: set[str], kept: set[str]) -> FileDescriptorProto:
    whole = FileDescriptorProto.FromString(file.serialized_pb)
    return FileDescriptorProto(
        name=whole.name,
        package=whole.package,
        syntax=whole.syntax,
        dependency=[name for name in whole.dependency if name in kept],
        message_type=_prune_messages(whole.message_type, names, whole.package),
        enum_type=[enum for enum in whole.enum_type if f"{whole.package}.{enum.name}" in names],
    )


def _prune_messages(
    messages: Sequence[DescriptorProto], names: set[str], scope: str
) -> list[DescriptorProto]:
    pruned = []
    for message in messages:
        name = f"{scope}.{message.name}"
        nested = _prune_messages(message.nested_type, names, name)
        enums = [enum for enum in message.enum_type if f"{name}.{enum.name}" in names]
        if name not in names and not nested and not enums:
            continue
        kept = DescriptorProto(name=message.name, nested_type=nested, enum_type=enums)
        if name in names:
            kept.field.extend(message.field)
            kept.oneof_decl.extend(message.oneof_decl)
            if message.options.map_entry:
                kept.options.map_entry = True
        for field in kept.field:
            field.ClearField("json_name")
        pruned.append(kept)
    return pruned
