"""A machine of a spec, and the matrix data of its parts."""

from __future__ import annotations

import re

from rigspec.diagnostics.model import Diagnostic, Fact, Severity, Span
from rigspec.frozen import dataclass
from rigspec.matrix.model import Matrix, Release
from rigspec.matrix.part_lookup import find_part
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.machine import Cpu, Machine
from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import KeyPath

__all__ = ["MachineContext", "build_fact", "list_part_products"]


def list_part_products(machine: Machine | None) -> frozenset[str]:
    """Return the products of the matrix about the parts of this machine."""
    if machine is None:
        return frozenset()
    needed = {
        "cpu": machine.cpu is not None,
        "gpu": bool(machine.gpus or machine.instance),
        "generation": bool(machine.gpus or machine.instance),
        "guidance": bool(machine.gpus or machine.instance or machine.psu),
        "chipset": machine.motherboard is not None,
        "case": machine.case is not None,
        "psu": machine.psu is not None,
        "instance": machine.instance is not None,
    }
    return frozenset(product for product, is_needed in needed.items() if is_needed)


@dataclass(frozen=True)
class MachineContext:
    """A machine of a spec. The matrix needs the products of ``list_part_products``."""

    spec: LoadedSpec
    name: str
    matrix: Matrix

    @property
    def rig(self) -> Rig:
        """The rig of the machine."""
        return self.spec.rig

    @property
    def table(self) -> Machine:
        """The table of the machine in the spec."""
        return self.spec.rig.machine[self.name]

    def span(self, *keys: str | int, label: str = "") -> Span:
        """Return the span of a key in the machine's table."""
        path: KeyPath = ("machine", self.name, *keys)
        return self.spec.document.span(path, label=label)

    def part(self, product: str, model: str | None) -> Release | None:
        """Return the part with this name, if the matrix has exactly one."""
        if model is None or product not in self.matrix:
            return None
        return find_part(self.matrix.product(product), model)

    @property
    def cpu(self) -> Release | None:
        """The CPU in the matrix."""
        cpu = self.table.cpu
        return self.part("cpu", cpu.model if isinstance(cpu, Cpu) else cpu)

    @property
    def own_cpu(self) -> Cpu | None:
        """The CPU table of the spec, if it is more than a name."""
        return self.table.cpu if isinstance(self.table.cpu, Cpu) else None

    @property
    def chipset(self) -> Release | None:
        """The chipset in the name of the motherboard."""
        board = self.table.motherboard
        words = re.findall(r"(?<![A-Za-z])[A-Za-z]+\d+", board.model) if board is not None else []
        found = (self.part("chipset", word) for word in words)
        return next((release for release in found if release is not None), None)

    def guidance(self, name: str) -> Release:
        """Return a general fact about machines by its name."""
        return self.matrix.product("guidance").list_releases(name)[0]

    def diagnostic(
        self,
        code: str,
        severity: Severity,
        message: str,
        *spans: Span,
        facts: tuple[Fact, ...] = (),
        help: tuple[str, ...] = (),
    ) -> Diagnostic:
        """Build a diagnostic about the parts of this machine."""
        return Diagnostic(code, severity, message, spans=spans, facts=facts, help=help)


def build_fact(release: Release, statement: str, name: str = "statement") -> Fact:
    """Build a fact with the sources of a property of a release."""
    id = f"{release.product}/{release.label}"
    return Fact(id, statement, release.sources_of(name), release.confidence)
