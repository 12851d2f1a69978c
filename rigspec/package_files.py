"""Files that belong to the package, also where it is imported from a zip archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = ["locate_package_file"]


def locate_package_file(module_file: str, name: str) -> Traversable:
    """Return a file or folder in the folder of a module, whose ``__file__`` is ``module_file``."""
    path = Path(module_file).with_name(name)
    if path.exists():
        return path
    # Imported here: it takes milliseconds, and only zip archives need it.
    import zipfile

    archive = next(parent for parent in path.parents if parent.is_file())
    return zipfile.Path(archive).joinpath(path.relative_to(archive).as_posix())
