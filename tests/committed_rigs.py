"""The rigs in specs/ that have a committed lock."""

from __future__ import annotations

import tomli

from tests.conftest import ROOT

__all__ = ["MACHINES", "list_machines"]


def list_machines(rig: str) -> list[str]:
    """Return the machines of a spec, which is read faster than its lock."""
    spec = (ROOT / "specs" / f"{rig}.toml").read_text(encoding="utf-8")
    return list(tomli.loads(spec)["machine"])


MACHINES = [
    (folder.name, machine)
    for folder in sorted((ROOT / "lockfiles").iterdir())
    for machine in list_machines(folder.name)
]
