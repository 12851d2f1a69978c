"""The content of the HTML page of a comparison: formatted values and numbered sources."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from rigspec.compare.model import Comparison, DifferentItem
from rigspec.compare.render.charts import CostChart, SensitivityChart
from rigspec.compare.render.formatting import BLANK
from rigspec.diagnostics.model import Source

__all__ = [
    "Cell",
    "LayerDifferences",
    "PageView",
    "ProductLine",
    "Remark",
    "RowGroup",
    "SensitivityRow",
    "TableRow",
    "UnsupportedReason",
]


@dataclass(frozen=True)
class Cell:
    """A value: number, unit, and the length of its bar (None: no bar)."""

    number: str
    unit: str = ""
    bar: Decimal | None = None


@dataclass(frozen=True)
class TableRow:
    """A row of a table with the footnotes of its cells."""

    name: str
    a: Cell
    b: Cell
    notes: tuple[int, ...] = ()
    ratio: str = ""

    @property
    def unit(self) -> str:
        """Return the common unit of both cells, which is then shown after the name."""
        units = {cell.unit for cell in (self.a, self.b) if cell.number != BLANK}
        return units.pop() if len(units) == 1 else ""

    @property
    def has_bars(self) -> bool:
        """Return whether both cells have a bar."""
        return self.a.bar is not None and self.b.bar is not None


@dataclass(frozen=True)
class RowGroup:
    """Rows with a heading."""

    name: str
    lines: tuple[TableRow, ...]


@dataclass(frozen=True)
class LayerDifferences:
    """The differences in a layer of the software."""

    layer: str
    items: tuple[DifferentItem, ...]


@dataclass(frozen=True)
class UnsupportedReason:
    """Releases that only one machine supports, and why the other does not."""

    on: str
    side: str
    not_on: str
    releases: str
    statement: str
    notes: tuple[int, ...]


@dataclass(frozen=True)
class ProductLine:
    """The supported releases of a product."""

    title: str
    a: str
    a_count: str
    b: str
    b_count: str
    only_a: int
    only_b: int
    reasons: tuple[UnsupportedReason, ...]


@dataclass(frozen=True)
class SensitivityRow:
    """One assumption: its values, and the payback time for each."""

    of: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Remark:
    """A diagnostic about a machine."""

    machine: str
    side: str
    code: str
    message: str
    notes: tuple[int, ...]


@dataclass(frozen=True)
class PageView:
    """The content of the page, in order."""

    comparison: Comparison
    software: str
    verdict: str
    exclusive: str
    differences: tuple[LayerDifferences, ...]
    groups: tuple[RowGroup, ...]
    unknown: str
    bills: tuple[TableRow, ...]
    hours: str
    currency: str
    narrow: CostChart | None
    wide: CostChart | None
    sensitivity_heads: tuple[str, ...]
    sensitivity: tuple[SensitivityRow, ...]
    sensitivity_notes: tuple[str, ...]
    sensitivity_narrow: SensitivityChart | None
    sensitivity_wide: SensitivityChart | None
    year: str
    features: tuple[TableRow, ...]
    products: tuple[ProductLine, ...]
    equal: str
    remarks: tuple[Remark, ...]
    sources: tuple[Source, ...]
