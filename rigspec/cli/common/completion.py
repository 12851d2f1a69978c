"""Values that the shell completes: codes, targets, GPUs, machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

__all__ = ["complete_codes", "complete_gpus", "complete_machines", "complete_targets"]


def complete_codes(incomplete: str) -> list[str]:
    """Return the diagnostic codes that start so."""
    from rigspec.diagnostics.explanations import list_codes

    return [code for code in list_codes() if code.startswith(incomplete.upper())]


def complete_targets(incomplete: str) -> list[str]:
    """Return the targets that start so."""
    from rigspec.backend.discovery import find_backends

    names = [*(backend.name for backend in find_backends()), "all"]
    return [name for name in names if name.startswith(incomplete)]


def complete_gpus(incomplete: str) -> list[str]:
    """Return the GPUs that contain the text."""
    from rigspec.matrix.loader import load_matrix

    releases = load_matrix(["gpu"]).product("gpu").releases
    return [r.version for r in releases if incomplete.lower() in r.version.lower()]


def complete_machines(incomplete: str) -> list[str]:
    """Return the machines of the next `rig.toml` that start so."""
    return [name for name in _machines() if name.startswith(incomplete)]


def _machines() -> Iterator[str]:
    from pathlib import Path

    import tomli

    for folder in (Path.cwd(), *Path.cwd().parents):
        path = folder / "rig.toml"
        if path.is_file():
            with suppress(OSError, ValueError, AttributeError):
                yield from tomli.loads(path.read_text(encoding="utf-8")).get("machine", {})
            return
