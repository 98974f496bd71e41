"""Descriptors of the installed flyteidl, pruned to what a ``DaskJob`` needs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from graphlib import TopologicalSorter
from typing import cast

from flyteidl.plugins import dask_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

__all__ = ["dask_job_files", "digest"]


def dask_job_files() -> list[FileDescriptorProto]:
    """The files that define a ``DaskJob``, dependencies first, pruned to what it uses.

    Services, file options, explicit JSON names and unused imports are removed too: they differ
    between flyteidl releases, and do not affect the Python classes.
    """
    used = _used(cast("Descriptor", dask_pb2.DaskJob.DESCRIPTOR))
    files = {type_.file.name: type_.file for type_ in used.values()}
    graph = {name: [each.name for each in files[name].dependencies] for name in sorted(files)}
    ordered = [name for name in TopologicalSorter(graph).static_order() if name in files]
    return [_prune(files[name], used.keys(), files.keys()) for name in ordered]


def digest(files: Iterable[FileDescriptorProto]) -> str:
    """The SHA-256 of the serialized *files* in hex; equal definitions have equal digests."""
    serialized = (file.SerializeToString(deterministic=True) for file in files)
    return hashlib.sha256(b"".join(serialized)).hexdigest()


def _used(root: Descriptor) -> dict[str, Descriptor | EnumDescriptor]:
    """*root* and all types of its fields, by name."""
    found: dict[str, Descriptor | EnumDescriptor] = {}
    waiting: list[Descriptor | EnumDescriptor] = [root]
    while waiting:
        type_ = waiting.pop()
        if type_.full_name not in found and isinstance(type_, Descriptor):
            for field in type_.fields:
                waiting += [inner for inner in (field.message_type, field.enum_type) if inner]
        found[type_.full_name] = type_
    return found


def _prune(
    file: FileDescriptor, names: Collection[str], kept: Collection[str]
) -> FileDescriptorProto:
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
    messages: Sequence[DescriptorProto], names: Collection[str], scope: str
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
