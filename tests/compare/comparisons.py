"""Comparisons of specs, in one call."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from rigspec.backend.discovery import find_backends
from rigspec.check import check_machine
from rigspec.cli.pipeline import matrix_for
from rigspec.compare.comparison import Question, compare_machines
from rigspec.compare.cost import Rate, Terms
from rigspec.compare.model import Comparison
from rigspec.compare.software import UsableLock
from rigspec.lock.lockfile import read_lock
from rigspec.matrix.loader import load_matrix
from rigspec.spec.loader import LoadedSpec, load_spec, parse_spec
from rigspec.spec.quantities import EnergyPrice
from tests.conftest import ROOT

__all__ = ["LAB", "SOURCED", "changed", "comparison", "terms"]

LAB = Path(__file__).with_name("lab.toml")
SOURCED = ROOT / "specs" / "sourced.toml"
_LOCK = ROOT / "lockfiles" / "sourced"


def changed(path: Path, *changes: tuple[str, str]) -> LoadedSpec:
    """A spec with some of its text changed."""
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return parse_spec(str(path), text)


def terms(hours: str | None = None, kwh: str | None = None, *rates: str) -> Terms:
    """What a user says on the command line."""
    price = EnergyPrice.parse(kwh) if kwh is not None else None
    electricity = EnergyPrice(price.amount, price.unit) if price is not None else None
    day = Decimal(hours) if hours is not None else None
    return Terms(day, electricity, tuple(Rate.parse(rate) for rate in rates))


def comparison(
    spec: Path | LoadedSpec,
    a: str,
    b: str,
    said: Terms | None = None,
    lock: Path | None = None,
) -> Comparison:
    """Two machines of a spec, by the lock in that folder if there is one."""
    loaded = load_spec(str(spec)) if isinstance(spec, Path) else spec
    matrices = {name: matrix_for(loaded, name) for name in (a, b)}
    reports = tuple(check_machine(loaded, n, m, repairs=False) for n, m in matrices.items())
    held = None
    if lock is not None:
        backend = next(found for found in find_backends() if found.name == "cloud-init")
        held = UsableLock(*read_lock(lock), backend)
    return compare_machines(
        Question(
            spec=loaded,
            names=(a, b),
            matrices=matrices,
            whole=load_matrix(),
            reports=(reports[0], reports[1]),
            held=held,
            why_no_lock="" if held is not None else "there is no lock in nowhere",
            terms=said or terms(),
        )
    )


def sourced() -> Comparison:
    """The article's tower beside its cloud machine, by their lock."""
    return comparison(SOURCED, "science-3", "p2", lock=_LOCK)
