"""Find the entry points of other distributions that extend rigspec.

`importlib.metadata` takes ten milliseconds to load, and as long again to read the metadata of all
distributions. Most installations have no extension, so the files are searched for one first.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["list_entry_points"]

# All groups of extensions start with it, as sections of `entry_points.txt`.
_PREFIX = b"[rigspec."
_METADATA = (".dist-info", ".egg-info")


def list_entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group of extensions, sorted by name and value."""
    if not _has_extensions(tuple(sys.path)):
        return ()
    from importlib.metadata import entry_points

    points = entry_points(group=group)
    return tuple(sorted(points, key=lambda point: (point.name, point.value)))


@cache
def _has_extensions(paths: tuple[str, ...]) -> bool:
    """Return whether a distribution may extend rigspec; also true if that cannot be searched."""
    others = (finder for finder in sys.meta_path if finder is not PathFinder)
    if any(hasattr(finder, "find_distributions") for finder in others):
        return True
    return any(_may_extend(path or ".") for path in paths)


def _may_extend(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            folders = [each.path for each in entries if each.name.lower().endswith(_METADATA)]
    except FileNotFoundError:
        return False
    except OSError:
        # An archive, for example.
        return True
    if path.lower().endswith(".egg"):
        folders.append(os.path.join(path, "EGG-INFO"))
    return any(_names_extension(os.path.join(folder, "entry_points.txt")) for folder in folders)


def _names_extension(file: str) -> bool:
    try:
        with open(file, "rb") as opened:
            return _PREFIX in opened.read()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
