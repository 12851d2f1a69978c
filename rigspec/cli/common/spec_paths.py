"""Find the specs that a command works on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from rigspec.cli.console import fail

__all__ = [
    "DEFAULT_NAME",
    "STDIN",
    "STDIN_NAME",
    "expand_specs",
    "find_spec",
    "locate_file",
    "locate_spec",
    "require_file",
]

DEFAULT_NAME = "rig.toml"
STDIN = Path("-")
# The name of standard input in diagnostics.
STDIN_NAME = Path("<stdin>")
# The first key of a spec; other TOML files of a folder are not checked.
_RIG = re.compile(rb"""^[ \t]*["']?rig["']?[ \t]*=""", re.MULTILINE)
_SKIPPED = frozenset({"node_modules", "__pycache__", "lockfiles", "out"})
# Files that are read to find specs in a folder.
_MOST = 10_000


def find_spec() -> Path:
    """Return `rig.toml` of the working directory or of the next folder above that has one."""
    if _is_completing():
        return Path(DEFAULT_NAME)
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / DEFAULT_NAME).is_file():
            return Path(os.path.relpath(folder / DEFAULT_NAME))
    fail(
        f"no {DEFAULT_NAME} in this folder or above it",
        status=2,
        help_text="name a spec, or write one with `rigspec init`",
    )


def locate_spec(path: Path) -> Path:
    """Return the spec of a folder, the name of standard input for `-`, or the path itself."""
    if path == STDIN:
        return STDIN_NAME
    if not path.is_dir() or _is_completing():
        return path
    if (path / DEFAULT_NAME).is_file():
        return path / DEFAULT_NAME
    specs = list(_specs_below(path))
    if len(specs) == 1:
        return specs[0]
    if not specs:
        fail(f"no spec in {path}", status=2, help_text="name a spec file")
    names = ", ".join(map(str, specs[:5]))
    fail(f"several specs in {path}", status=2, help_text=f"name one of {names}")


def locate_file(path: Path) -> Path:
    """Return the spec of a folder, or the path itself; exit with status 2 for standard input."""
    if path == STDIN and not _is_completing():
        fail(
            "this command cannot read the spec from stdin, because its lock is next to its file",
            status=2,
            help_text="name a file; `check`, `why`, `graph`, `compare` and `connect` read stdin",
        )
    return locate_spec(path)


def expand_specs(paths: Sequence[Path]) -> list[Path]:
    """Return the paths with the specs below each folder instead of the folder."""
    found: list[Path] = []
    for path in paths:
        below = list(_specs_below(path)) if path.is_dir() else [path]
        if not below:
            fail(f"no spec in {path}", status=2, help_text="name a spec file")
        found += below
    return list(dict.fromkeys(found))


def require_file(path: Path) -> None:
    """Exit with status 2 and a similar name if there is no such file."""
    if path == STDIN or path.exists():
        return
    folder = path.parent
    names = [each.name for each in folder.iterdir()] if folder.is_dir() else []
    close = get_close_matches(path.name, names, n=1, cutoff=0.75)
    places = [str(folder / name) for name in close] or [
        str(each) for each in _specs_below(folder) if each.name == path.name
    ][:1]
    help_text = f"did you mean `{places[0]}`?" if places else None
    fail(f"RS010: cannot read `{path}`: no such file or directory", status=2, help_text=help_text)


def _is_completing() -> bool:
    """Return whether the shell requests a completion, which prints no errors."""
    return "_RIGSPEC_COMPLETE" in os.environ


def _specs_below(folder: Path) -> Iterator[Path]:
    """Yield every TOML file below the folder that is a spec, in the order of their names."""
    seen = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _SKIPPED)
        for name in sorted(files):
            seen += 1
            if name.endswith(".toml") and seen < _MOST and _is_spec(Path(place, name)):
                yield Path(place, name)


def _is_spec(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _RIG.search(file.read(1 << 16)) is not None
    except OSError:
        return False
