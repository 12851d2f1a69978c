"""Read the list of a package's releases from the package index, and write it into its table."""

from __future__ import annotations

import datetime as dt
import json
import re
import textwrap

from packaging.version import Version

from rigspec.lock.python.index.client import create_package_finder
from rigspec.lock.python.index.links import list_files
from rigspec.refresh.index_releases import supports_linux

__all__ = ["list_final_versions", "write_listing"]

_HEAD = "# The final releases for Linux on the package index, without yanked ones."
_BLOCK = re.compile(rf"{re.escape(_HEAD)}\n\[listing\]\n.*?\n\"\"\"\n\n?", re.DOTALL)
_WIDTH = 98


def list_final_versions(package: str, *, index: str | None) -> tuple[str, ...]:
    """Return the final releases of a package for Linux that are not yanked, oldest first.

    Args:
        package: The name of the package.
        index: The address of the package index; ``None`` for the configured one.

    Raises:
        LockError: The index cannot be read.
    """
    finder = create_package_finder(index, any_platform=True)
    files = list_files(finder, package, yanked=False)
    found = {Version(file.version or "0") for file in files if supports_linux(file, any_arch=True)}
    return tuple(str(version) for version in sorted(found) if not version.is_prerelease)


def write_listing(
    table: str,
    package: str,
    versions: tuple[str, ...],
    read: dt.date,
    without: tuple[str, ...] = (),
) -> str:
    """Return the text of a table with this list before the first row, instead of an older one.

    ``without`` are releases that the list leaves out.
    """
    omitted = f"without = {json.dumps(without)}\n" if without else ""
    listed = "\n".join(textwrap.wrap(" ".join(versions), _WIDTH, break_on_hyphens=False))
    block = (
        f'{_HEAD}\n[listing]\ntitle = "{package} on the Python Package Index: its releases"\n'
        f'url = "pkg:pypi/{package}"\nread = {read}\n{omitted}versions = """\n{listed}\n"""\n\n'
    )
    lines = _BLOCK.sub("", table).splitlines(keepends=True)
    rows = (number for number, line in enumerate(lines) if line.startswith("[["))
    first = next(rows, len(lines))
    # The comment above the first row belongs to it.
    while first and lines[first - 1].startswith("#"):
        first -= 1
    head = "".join(lines[:first]).rstrip("\n")
    return f"{head}\n\n{block}{''.join(lines[first:])}".rstrip("\n") + "\n"
