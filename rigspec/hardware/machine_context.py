"""One machine as its spec declares it, beside what the matrix knows of its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rigspec.diagnostics.model import Diagnostic, Fact, Severity, Span
from rigspec.matrix.model import Matrix, Release
from rigspec.matrix.part_lookup import find_part
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.machine import Cpu, Machine
from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import KeyPath

__all__ = ["MachineContext", "fact_of", "products_for_parts"]


def products_for_parts(machine: Machine | None) -> frozenset[str]:
    """The products of the matrix that tell something about the parts of this machine."""
    if machine is None:
        return frozenset()
    asked = {
        "cpu": machine.cpu is not None,
        "gpu": bool(machine.gpus or machine.instance),
        "generation": bool(machine.gpus or machine.instance),
        "guidance": bool(machine.gpus or machine.instance or machine.psu),
        "chipset": machine.motherboard is not None,
        "case": machine.case is not None,
        "psu": machine.psu is not None,
        "instance": machine.instance is not None,
    }
    return frozenset(product for product, wanted in asked.items() if wanted)


@dataclass(frozen=True)
class MachineContext:
    """A machine by its name in a spec. The matrix must hold what ``products_for_parts`` names."""

    spec: LoadedSpec
    name: str
    matrix: Matrix

    @property
    def rig(self) -> Rig:
        """The rig that it belongs to."""
        return self.spec.rig

    @property
    def table(self) -> Machine:
        """What the spec says of it."""
        return self.spec.rig.machine[self.name]

    def span(self, *keys: str | int, label: str = "") -> Span:
        """The place of a key of the machine's table."""
        path: KeyPath = ("machine", self.name, *keys)
        return self.spec.document.span(path, label=label)

    def part(self, product: str, model: str | None) -> Release | None:
        """What the matrix knows under that name, if it has the product and one part fits."""
        if model is None or product not in self.matrix:
            return None
        return find_part(self.matrix.product(product), model)

    @property
    def cpu(self) -> Release | None:
        """What the matrix knows of the processor."""
        cpu = self.table.cpu
        return self.part("cpu", cpu.model if isinstance(cpu, Cpu) else cpu)

    @property
    def own_cpu(self) -> Cpu | None:
        """What the spec itself tells of the processor, in figures."""
        return self.table.cpu if isinstance(self.table.cpu, Cpu) else None

    @property
    def chipset(self) -> Release | None:
        """The chipset that the board's name has in it."""
        board = self.table.motherboard
        words = re.findall(r"[A-Za-z]+\d+", board.model) if board is not None else []
        found = (self.part("chipset", word) for word in words)
        return next((release for release in found if release is not None), None)

    def guidance(self, name: str) -> Release:
        """A fact about machines in general, by its name. Raises KeyError."""
        product = self.matrix.product("guidance")
        return next(release for release in product.releases if release.version == name)

    def diagnostic(
        self,
        code: str,
        severity: Severity,
        message: str,
        *spans: Span,
        facts: tuple[Fact, ...] = (),
        help: tuple[str, ...] = (),
    ) -> Diagnostic:
        """A diagnostic about the parts of this machine."""
        return Diagnostic(code, severity, message, spans=spans, facts=facts, help=help)


def fact_of(release: Release, statement: str, figure: str = "statement") -> Fact:
    """A sentence that rests on a figure of a release."""
    name = f"{release.product}/{release.label}"
    return Fact(name, statement, release.sources_of(figure), release.confidence)
