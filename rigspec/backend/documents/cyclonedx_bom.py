"""A software bill of materials in CycloneDX 1.6, from the lock alone.

It has no clock and no random numbers: its serial number is derived from the digest of the lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from rigspec.backend.documents.cyclonedx_components import Entry, list_entries
from rigspec.plan.model import Omission, Plan
from rigspec.plan.steps import Step

if TYPE_CHECKING:
    from cyclonedx.model import Property
    from cyclonedx.model.bom import BomMetaData
    from cyclonedx.model.dependency import Dependency

__all__ = ["list_omissions", "write_document"]

_ROOT = "rig"


def write_document(plan: Plan, step: Step | None) -> str:
    """Return the bill of materials as JSON."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.output.json import JsonV1Dot6

    entries = tuple(list_entries(plan))
    bom = Bom(
        components={entry.ref: entry.component for entry in entries}.values(),
        metadata=_build_metadata(plan),
        serial_number=uuid5(NAMESPACE_URL, f"rigspec:{plan.lock_digest}:{plan.machine or ''}"),
        dependencies=_build_dependencies(entries),
    )
    return f"{JsonV1Dot6(bom).output_as_string(indent=2)}\n"


def list_omissions(plan: Plan) -> Iterator[Omission]:
    """Yield nothing: items that the lock could not pin are listed without version or checksum."""
    yield from ()


def _build_metadata(plan: Plan) -> BomMetaData:
    from cyclonedx.model.bom import BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.tool import ToolRepository

    root = Component(
        name=plan.rig,
        type=ComponentType.PLATFORM,
        version=plan.lock_digest[:12],
        description=plan.summary,
        bom_ref=_ROOT,
        properties=_list_properties(plan),
    )
    # Without a version: the same lock gives the same bytes with every release of rigspec.
    tool = Component(name="rigspec", type=ComponentType.APPLICATION, bom_ref="rigspec")
    metadata = BomMetaData(component=root, tools=ToolRepository(components=[tool]))
    # The library sets the current time.
    metadata.timestamp = None  # type: ignore[assignment]
    return metadata


def _list_properties(plan: Plan) -> Iterator[Property]:
    """Yield the machine, the lock, and what the lock could not pin."""
    from cyclonedx.model import Property

    if plan.machine is not None:
        yield Property(name="rigspec:machine", value=plan.machine)
    yield Property(name="rigspec:lock:sha256", value=plan.lock_digest)
    for item in plan.locked.unpinned:
        yield Property(name="rigspec:unpinned", value=f"{item.what}: {item.reason}")


def _build_dependencies(entries: tuple[Entry, ...]) -> Iterator[Dependency]:
    from cyclonedx.model.bom_ref import BomRef
    from cyclonedx.model.dependency import Dependency

    edges = _collect_edges(entries)
    references = {ref: BomRef(ref) for ref in edges}
    for ref, needed in sorted(edges.items()):
        yield Dependency(references[ref], [Dependency(references[each]) for each in sorted(needed)])


def _collect_edges(entries: tuple[Entry, ...]) -> dict[str, set[str]]:
    """Return the references that each component depends on."""
    # A lock of an older release does not list every package of the system that it names.
    listed = {entry.ref for entry in entries}
    edges: dict[str, set[str]] = {_ROOT: set()}
    for entry in entries:
        edges.setdefault(entry.ref, set()).update(listed.intersection(entry.depends))
    needed = {ref for refs in edges.values() for ref in refs}
    edges[_ROOT] = set(edges) - needed - {_ROOT}
    return edges
