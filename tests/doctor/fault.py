"""A fault: a change to a machine, and the differences that doctor must report."""

from __future__ import annotations

from dataclasses import dataclass

ANY = "…"
# Values in the output of doctor.
COMPLETE, UNCHANGED = "complete", "unchanged"
CHANGED = "changed or missing: "
Reported = tuple[str, str, str, str | None, str | None]


@dataclass(frozen=True)
class Fault:
    """A script that breaks the machine.

    ``expected`` are status, name, aspect, expected and found value of the reported items, ``steps``
    those that ``--fix`` prints. ``repair`` is run before them for what no step fixes; None if it
    cannot be fixed.
    """

    plant: str
    expected: tuple[Reported, ...]
    steps: tuple[str, ...]
    repair: str | None = ""


def differs(name: str, aspect: str, expected: str, found: str) -> Reported:
    return ("differs", name, aspect, expected, found)


def missing(name: str, aspect: str, expected: str) -> Reported:
    return ("missing", name, aspect, expected, None)


def extra(name: str, aspect: str, found: str) -> Reported:
    return ("extra", name, aspect, None, found)
