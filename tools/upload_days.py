"""Read from the package index on which day each release of a framework was uploaded.

    python tools/upload_days.py DAY [PRODUCT...]

DAY is the day of the reading, which stands beside what was read. The tables are those of
rigspec/matrix/tables/uploads, each written anew; `rigspec matrix refresh` adds to them.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping

from packaging.version import Version
from unearth import PackageFinder

from rigspec.lock.python.index.package_index import listed_files
from rigspec.matrix.loader import load_matrix, uploads_file
from rigspec.matrix.model import Product
from rigspec.refresh.index_releases import for_linux
from rigspec.refresh.rows import packages_of
from rigspec.refresh.upload_dates import HEAD, first_days, readings


def main() -> None:
    read, names = dt.date.fromisoformat(sys.argv[1]), sys.argv[2:]
    for product in load_matrix(names or None).products:
        if product.kind == "framework":
            days = {package: _days(product, package) for package in packages_of(product)}
            file = uploads_file(product.name)
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"{HEAD}\n{readings(days, read)}", encoding="utf-8", newline="\n")


def _days(product: Product, package: str) -> Mapping[str, dt.date]:
    """The day of each release that the table has."""
    finder = PackageFinder(ignore_compatibility=True)
    files = [file for file in listed_files(finder, package, yanked=True) if for_linux(file)]
    found = first_days(finder, package, files)
    releases = [release for release in product.releases if release.family in (None, package)]
    versions = {release.version: Version(release.version) for release in releases}
    return {text: found[version] for text, version in versions.items() if version in found}


if __name__ == "__main__":
    main()
