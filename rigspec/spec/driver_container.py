"""The driver in a container of its own: only some packages can be taken apart for it."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.document import Document
from rigspec.spec.model import Rig

__all__ = ["driver_container_mistakes"]

# Whose driver comes as one package for the kernel and others for programs, at versions of one lock:
# a provider, and the system of the same name.
_PARTED = "debian"


def driver_container_mistakes(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error where the driver is to be in a container and its packages are not in two halves."""
    if rig.container is None or rig.container.driver != "container":
        return
    provider = rig.cuda.provider if rig.cuda is not None else None
    elsewhere = [m.os for m in rig.machine.values() if m.os.split()[0] != _PARTED]
    if provider != _PARTED or elsewhere:
        yield Diagnostic(
            "RS012",
            Severity.ERROR,
            "a driver in a container wants packages that part the kernel's half from the programs'",
            spans=(document.span(("container", "driver"), label="asks for it"),),
            help=(
                f'set `cuda.provider` to "{_PARTED}", on a machine with that system',
                "or leave it out, and install the driver on the host",
            ),
        )
