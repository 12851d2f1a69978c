"""The pages of packages that come from a named index, in a folder that uv reads as an index.

uv takes a package from the first index that has a page of it, but asks every index for every
package. The folder is the first index and has the pages of the named packages alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from rigspec.lock.errors import index_failure
from rigspec.lock.python.index.listed_files import ListedFile
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.index.upload_times import get_end_of_day

__all__ = ["NamedPages", "read_named_pages"]


class NamedPages:
    """The files of each named package, by its canonical name."""

    def __init__(self, files: dict[str, tuple[ListedFile, ...]]) -> None:
        self.files = files

    @property
    def absent(self) -> tuple[str, ...]:
        """The packages that their index does not have."""
        return tuple(name for name, files in self.files.items() if not files)

    def write(self, folder: Path) -> str:
        """Write the pages, and return the address of the folder."""
        for name, files in self.files.items():
            (folder / name).mkdir(parents=True)
            links = "".join(map(_format_link, files))
            page = f"<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n"
            (folder / name / "index.html").write_text(page, encoding="utf-8")
        return folder.as_uri()

    def list_bounds(self) -> Iterator[str]:
        """Yield constraints that exclude what only another index has: newer releases, or all."""
        for name, files in self.files.items():
            versions = [file.version for file in files if file.version is not None]
            yield f"{name}<={max(versions).public}" if versions else f"{name}<0a0"


def read_named_pages(index: PackageIndex, as_of: dt.date | None) -> NamedPages:
    """Return the pages of all named packages; without files that are newer than a day.

    Raises LockError.
    """
    names = index.list_named_packages()
    index.load(names)
    return NamedPages({name: tuple(_filter(name, index.list_files(name), as_of)) for name in names})


def _filter(name: str, files: Iterable[ListedFile], as_of: dt.date | None) -> Iterator[ListedFile]:
    if as_of is None:
        yield from files
        return
    end, dated, listed = get_end_of_day(as_of), 0, 0
    for file in files:
        listed += 1
        uploaded = file.link().upload_time
        dated += uploaded is not None
        if uploaded is not None and uploaded < end:
            yield file
    if listed and not dated:
        raise index_failure(
            f"the upload times of {name}", "the index states none, which `as_of` needs"
        )


def _format_link(file: ListedFile) -> str:
    checksum = dict(file.hashes).get("sha256")
    address = file.url.partition("#")[0] + (f"#sha256={checksum}" if checksum else "")
    python = file.requires_python
    attributes = f' data-requires-python="{escape(python)}"' if python else ""
    if file.yanked is not None:
        attributes += f' data-yanked="{escape(file.yanked)}"'
    return f'<a href="{escape(address)}"{attributes}>{escape(file.filename)}</a><br>\n'
