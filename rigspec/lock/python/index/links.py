"""Listed files of an index for a target, and the times of their uploads."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from unearth import Package, PackageFinder
from unearth.utils import fix_legacy_specifier

from rigspec.lock.errors import report_failed_transfer
from rigspec.lock.python.index.listed_files import ListedFile, find_project
from rigspec.lock.python.index.pages import convert_http_errors, fetch_files
from rigspec.lock.python.index.upload_times import fetch_upload_times

__all__ = ["FileFilter", "filter_files_by_day", "list_files"]

# The user cannot fix the Requires-Python of an index's files.
warnings.filterwarnings("ignore", category=FutureWarning, message=r"\.\* suffix can only be used")


class FileFilter:
    """The files that one interpreter can install; ``finder`` describes it."""

    def __init__(self, finder: PackageFinder) -> None:
        self._any = finder.ignore_compatibility
        self._tags = frozenset(finder.target_python.supported_tags())
        version = finder.target_python.py_ver
        self._python = ".".join(map(str, version)) if version is not None else ""

    def admit(self, name: str, file: ListedFile, *, yanked: bool) -> Package | None:
        """Return a listed file as a package; None where the interpreter cannot install it."""
        version = file.version
        if version is None or (file.yanked is not None and not yanked):
            return None
        if file.filename.endswith(".whl"):
            fits = self._fits(name, file.filename)
        else:
            fits = canonicalize_name(find_project(file.filename)) == canonicalize_name(name)
        link = file.link() if fits else None
        if link is None or not self._supports(link.requires_python):
            return None
        return Package(name, str(version), link)

    def _fits(self, name: str, filename: str) -> bool:
        found, _, rest = filename.removesuffix(".whl").partition("-")
        parts = rest.split("-")
        # The version, an optional number of the build, and three parts of tags.
        if len(parts) not in (4, 5) or canonicalize_name(found) != canonicalize_name(name):
            return False
        tags = _parse_tags("-".join(parts[-3:]))
        if tags is None:
            return False
        return self._any or not tags.isdisjoint(self._tags)

    def _supports(self, requires_python: str | None) -> bool:
        if self._any or requires_python is None:
            return True
        return _range(requires_python).contains(self._python, prereleases=True)


def list_files(finder: PackageFinder, name: str, *, yanked: bool) -> list[Package]:
    """Return every file of a package that fits the finder's target. Raises LockError."""
    allowed = FileFilter(finder)
    found = (allowed.admit(name, file, yanked=yanked) for file in fetch_files(finder, name))
    return [package for package in found if package is not None]


def filter_files_by_day(
    finder: PackageFinder, name: str, files: Sequence[Package]
) -> list[tuple[Package, dt.datetime | None]]:
    """Return each file with its upload time, where the index states it. Raises LockError."""
    if all(file.link.upload_time is not None for file in files):
        return [(file, file.link.upload_time) for file in files]
    try:
        times = fetch_upload_times(finder, name)
    except convert_http_errors() as error:
        raise report_failed_transfer(f"the list of {name}", error) from None
    return [(file, file.link.upload_time or times.get(file.link.filename)) for file in files]


@cache
def _range(requires_python: str) -> SpecifierSet:
    return SpecifierSet(fix_legacy_specifier(requires_python))


@cache
def _parse_tags(text: str) -> frozenset[Tag] | None:
    """Return the tags of a wheel, such as many wheels have; None if they are invalid (`py36+`)."""
    try:
        return parse_tag(text)
    except ValueError:
        return None
