"""Build comparisons for tests."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from rigspec.backend.discovery import find_backends
from rigspec.check import check_machine
from rigspec.compare.comparison import ComparisonRequest, compare_machines
from rigspec.compare.cost import CostTerms, ExchangeRate
from rigspec.compare.model import Comparison
from rigspec.compare.software import UsableLock
from rigspec.lock.lockfile import read_lock
from rigspec.matrix.loader import load_matrix
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec, load_spec, parse_spec
from rigspec.spec.quantities import EnergyPrice
from tests.conftest import ROOT

__all__ = ["LAB", "SOURCED", "build_terms", "compare", "compare_sourced", "load_changed"]

LAB = Path(__file__).with_name("lab.toml")
SOURCED = ROOT / "specs" / "sourced.toml"
_LOCK = ROOT / "lockfiles" / "sourced"


def load_changed(path: Path, *changes: tuple[str, str]) -> LoadedSpec:
    """Return a spec with replaced texts."""
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return parse_spec(str(path), text)


def build_terms(hours: str | None = None, kwh: str | None = None, *rates: str) -> CostTerms:
    """Return the terms of command-line options."""
    price = EnergyPrice.parse(kwh) if kwh is not None else None
    electricity = EnergyPrice(price.amount, price.unit) if price is not None else None
    day = Decimal(hours) if hours is not None else None
    return CostTerms(day, electricity, tuple(ExchangeRate.parse(rate) for rate in rates))


def compare(
    spec: Path | LoadedSpec,
    a: str,
    b: str,
    terms: CostTerms | None = None,
    lock: Path | None = None,
) -> Comparison:
    """Compare two machines of a spec, with the lock of a folder if given."""
    loaded = load_spec(str(spec)) if isinstance(spec, Path) else spec
    matrices = {name: load_required_matrix(loaded.rig, name) for name in (a, b)}
    reports = tuple(check_machine(loaded, n, m, repairs=False) for n, m in matrices.items())
    usable = None
    if lock is not None:
        backend = next(found for found in find_backends() if found.name == "cloud-init")
        usable = UsableLock(*read_lock(lock), backend)
    return compare_machines(
        ComparisonRequest(
            spec=loaded,
            names=(a, b),
            matrices=matrices,
            whole=load_matrix(),
            reports=(reports[0], reports[1]),
            lock=usable,
            lock_problem="" if usable is not None else "there is no lock in nowhere",
            terms=terms or build_terms(),
        )
    )


def compare_sourced() -> Comparison:
    """Compare the tower and the cloud machine of the article, with their lock."""
    return compare(SOURCED, "science-3", "p2", lock=_LOCK)
