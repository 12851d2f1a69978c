"""Ports of the services: one service each."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.document import Document, KeyPath
from rigspec.spec.model import Rig

__all__ = ["shared_ports"]


def shared_ports(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error for every port that two services of a machine would listen on."""
    first: dict[int, tuple[str, KeyPath]] = {}
    for what, port, path in _ports(rig):
        if port not in first:
            first[port] = (what, path)
            continue
        other, place = first[port]
        yield Diagnostic(
            "RS011",
            Severity.ERROR,
            f"{other} and {what} would both listen on port {port}",
            spans=(
                document.span(path, label=what),
                document.span(place, label=other),
            ),
            help=("give each a port of its own; a user's notebook has `jupyter_port`",),
        )


def _ports(rig: Rig) -> Iterator[tuple[str, int, KeyPath]]:
    ssh, jupyter, watch = rig.service.ssh, rig.service.jupyter, rig.service.monitoring
    if ssh is not None:
        yield "the secure shell", ssh.port, ("service", "ssh", "port")
    if watch is not None:
        yield "the exporter", watch.port, ("service", "monitoring", "port")
        if watch.keeper is not None:
            path = ("service", "monitoring", "prometheus", "port")
            yield "Prometheus", watch.keeper.port, path
    if jupyter is None:
        return
    if not rig.user:
        yield "the notebook", jupyter.port, ("service", "jupyter", "port")
    for name, user in sorted(rig.user.items()):
        # Who names no port has that of the service.
        own = ("user", name) if user.jupyter_port is None else ("user", name, "jupyter_port")
        yield f"the notebook of {name}", user.jupyter_port or jupyter.port, own
