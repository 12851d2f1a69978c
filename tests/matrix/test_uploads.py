"""The upload days of the frameworks: complete, plausible, and what the index says."""

from __future__ import annotations

import datetime as dt

import pytest
from unearth import PackageFinder

from rigspec.lock.python.index.package_index import listed_files
from rigspec.matrix.loader import load_matrix, load_uploads, uploads_file
from rigspec.matrix.model import Product
from rigspec.refresh.index_releases import for_linux
from rigspec.refresh.rows import packages_of
from rigspec.refresh.upload_dates import first_days

FRAMEWORKS = [p for p in load_matrix().products if p.kind == "framework"]
# The Python index keeps upload times from its early days on; none of the frameworks is older.
OLDEST = dt.date(2010, 1, 1)


@pytest.mark.parametrize("product", FRAMEWORKS, ids=lambda product: product.name)
def test_each_release_has_one_day(product: Product) -> None:
    uploads = load_uploads(product.name)
    found = sorted((upload.package, upload.version) for upload in uploads)
    known = sorted(
        (release.family or product.name, release.version) for release in product.releases
    )
    assert found == known
    for upload in uploads:
        assert upload.package in packages_of(product)
        assert upload.source.url == f"pkg:pypi/{upload.package}"
        assert OLDEST < upload.day <= upload.source.read


def test_every_table_is_of_a_framework() -> None:
    tables = {file.stem for file in uploads_file("torch").parent.iterdir()}
    assert tables == {product.name for product in FRAMEWORKS}
    assert load_uploads("cuda") == ()


@pytest.mark.parametrize("package", ["keras", "tensorflow-gpu", "cupy-cuda90"])
def test_the_days_are_those_of_the_index(package: str) -> None:
    finder = PackageFinder(ignore_compatibility=True)
    files = [file for file in listed_files(finder, package, yanked=True) if for_linux(file)]
    told = {str(version): day for version, day in first_days(finder, package, files).items()}
    uploads = [u for p in FRAMEWORKS for u in load_uploads(p.name) if u.package == package]
    assert uploads
    for upload in uploads:
        assert told[upload.version] == upload.day


def test_a_macintosh_is_served_earlier_and_does_not_count() -> None:
    """TensorFlow 1.12.0 came on the 5th of November, its wheels for Linux after midnight."""
    (upload,) = [
        upload
        for upload in load_uploads("tensorflow")
        if (upload.package, upload.version) == ("tensorflow", "1.12.0")
    ]
    assert upload.day == dt.date(2018, 11, 6)
