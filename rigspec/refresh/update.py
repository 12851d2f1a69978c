"""Update the table of a framework or a package from the package index."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.lint import MatrixProblem, find_problems
from rigspec.matrix.loader import (
    build_matrix,
    get_table_path,
    load_matrix,
)
from rigspec.matrix.model import Matrix, Product, Upload
from rigspec.matrix.uploads import get_uploads_path, load_uploads, parse_uploads
from rigspec.refresh.index_releases import find_upload_days, list_releases
from rigspec.refresh.listings import list_final_versions, write_listing
from rigspec.refresh.rows import find_newest_known, format_rows, list_packages
from rigspec.refresh.upload_dates import HEAD, format_readings

__all__ = ["ChangedFile", "Update", "update_framework", "update_listing"]

_Days = dict[str, dict[str, dt.date]]


@dataclass(frozen=True)
class ChangedFile:
    """A file of the matrix, its name for a diff, and its text before and after."""

    file: Path
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Update:
    """The changed files, and the problems that the matrix would then have."""

    files: tuple[ChangedFile, ...]
    problems: tuple[MatrixProblem, ...]


def update_framework(name: str, *, day: dt.date, index: str | None) -> Update:
    """Add the new releases of a framework, and missing upload days, without writing a file.

    Args:
        name: The framework.
        day: The day of the reading.
        index: The address of the package index; ``None`` for the configured one.

    Raises:
        LockError: The index cannot be read.
    """
    matrix = load_matrix()
    product = matrix.product(name)
    releases = [
        release
        for package in list_packages(product)
        for release in list_releases(
            package, newer_than=find_newest_known(product, package), index=index
        )
    ]
    tables = dict(matrix.tables)
    files: list[ChangedFile] = []
    if releases:
        before = tables[name].decode()
        after = f"{before}\n{format_rows(product, releases, day)}"
        tables[name] = after.encode()
        files.append(ChangedFile(get_table_path(name), f"{name}.toml", before, after))
    uploads = _load_all_uploads(matrix)
    days = _find_missing_days(product, index)
    for release in releases:
        if release.uploaded is not None:
            days.setdefault(release.package, {})[release.version] = release.uploaded
    if days:
        changed = _add_days(name, days, day)
        files.append(changed)
        uploads[name] = parse_uploads(name, changed.after.encode())
    if not files:
        return Update((), ())
    return Update(tuple(files), find_problems(build_matrix(tables), uploads))


def update_listing(name: str, *, day: dt.date, index: str | None) -> Update:
    """Replace the list of a package's releases, without writing a file.

    Args:
        name: The product, such as ``package:vllm``.
        day: The day of the reading.
        index: The address of the package index; ``None`` for the configured one.

    Raises:
        LockError: The index cannot be read.
    """
    matrix = load_matrix()
    package = name.removeprefix(PACKAGE_PREFIX)
    listing = matrix.product(name).listing
    without = listing.without if listing is not None else ()
    found = list_final_versions(package, index=index)
    versions = tuple(version for version in found if version not in without)
    if not versions or (listing is not None and listing.versions == versions):
        return Update((), ())
    tables = dict(matrix.tables)
    before = tables[name].decode()
    after = write_listing(before, package, versions, day, without)
    tables[name] = after.encode()
    changed = ChangedFile(get_table_path(name), f"package/{package}.toml", before, after)
    return Update((changed,), find_problems(build_matrix(tables), _load_all_uploads(matrix)))


def _load_all_uploads(matrix: Matrix) -> dict[str, tuple[Upload, ...]]:
    return {p.name: load_uploads(p.name) for p in matrix.products if p.kind == "framework"}


def _find_missing_days(product: Product, index: str | None) -> _Days:
    """Return the upload days of releases in the table that have none, if the index has them."""
    dated = {(upload.package, upload.version) for upload in load_uploads(product.name)}
    missing: dict[str, list[str]] = {}
    for release in product.releases:
        package = release.family or product.name
        if (package, release.version) not in dated:
            missing.setdefault(package, []).append(release.version)
    found = {p: find_upload_days(p, versions, index=index) for p, versions in missing.items()}
    return {package: days for package, days in found.items() if days}


def _add_days(name: str, days: Mapping[str, Mapping[str, dt.date]], read: dt.date) -> ChangedFile:
    file = get_uploads_path(name)
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    after = f"{before or HEAD}\n{format_readings(days, read)}"
    return ChangedFile(file, f"uploads/{name}.toml", before, after)
