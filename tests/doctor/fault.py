"""A fault: what is done to a machine, and what the doctor must see of it."""

from __future__ import annotations

from dataclasses import dataclass

ANY = "…"
# As the doctor says it.
WHOLE, UNPACKED = "all there", "as it was unpacked"
GONE = "changed or gone: "
Seen = tuple[str, str, str, str | None, str | None]


@dataclass(frozen=True)
class Fault:
    """A script that breaks the machine. ``sees`` are status, name, aspect, promise and finding of
    what is told, ``steps`` those that ``--fix`` prints; ``mend`` does by hand before them what no
    step does, and is None where only another machine would help.
    """

    plant: str
    sees: tuple[Seen, ...]
    steps: tuple[str, ...]
    mend: str | None = ""


def differs(name: str, aspect: str, expected: str, found: str) -> Seen:
    return ("differs", name, aspect, expected, found)


def missing(name: str, aspect: str, expected: str) -> Seen:
    return ("missing", name, aspect, expected, None)


def extra(name: str, aspect: str, found: str) -> Seen:
    return ("extra", name, aspect, None, found)
