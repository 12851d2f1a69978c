"""The upload days of the frameworks: complete, plausible, and equal to the index."""

from __future__ import annotations

import datetime as dt

import pytest
from unearth import PackageFinder

from rigspec.lock.python.index.links import list_files
from rigspec.matrix.loader import (
    load_matrix,
)
from rigspec.matrix.model import Product
from rigspec.matrix.uploads import get_uploads_path, load_uploads
from rigspec.refresh.index_releases import find_upload_days, supports_linux
from rigspec.refresh.rows import list_packages
from rigspec.refresh.upload_dates import find_first_days
from rigspec.version_specifiers import strip_local_version

FRAMEWORKS = [p for p in load_matrix().products if p.kind == "framework"]
# The Python index has upload times since its early days; none of the frameworks is older.
OLDEST = dt.date(2010, 1, 1)


@pytest.mark.parametrize("product", FRAMEWORKS, ids=lambda product: product.name)
def test_uploads_each_release_has_one_day(product: Product) -> None:
    uploads = load_uploads(product.name)
    found = sorted((upload.package, upload.version) for upload in uploads)
    if product.has_builds:
        # Builds of other indexes have no day; those of the default index share that of a release.
        releases = {(product.name, strip_local_version(r.version)) for r in product.releases}
        on_pypi = {
            (product.name, strip_local_version(r.version))
            for r in product.releases
            if r.get("pypi") is not None or r.get("index") is None
        }
        assert on_pypi <= {*found} <= releases
        assert len(found) == len({*found})
    else:
        known = ((r.family or product.name, r.version) for r in product.releases)
        assert found == sorted(known)
    for upload in uploads:
        assert upload.package in list_packages(product)
        assert upload.source.url == f"pkg:pypi/{upload.package}"
        assert OLDEST < upload.day <= upload.source.read


def test_uploads_tables_belong_to_frameworks() -> None:
    tables = {file.stem for file in get_uploads_path("torch").parent.iterdir()}
    assert tables == {product.name for product in FRAMEWORKS}
    assert load_uploads("cuda") == ()


@pytest.mark.parametrize("package", ["keras", "tensorflow-gpu", "cupy-cuda90"])
def test_uploads_days_equal_those_of_the_index(package: str) -> None:
    finder = PackageFinder(ignore_compatibility=True)
    files = [file for file in list_files(finder, package, yanked=True) if supports_linux(file)]
    days = {str(version): day for version, day in find_first_days(finder, package, files).items()}
    uploads = [u for p in FRAMEWORKS for u in load_uploads(p.name) if u.package == package]
    assert uploads
    for upload in uploads:
        assert days[upload.version] == upload.day


def test_find_upload_days_returns_only_the_requested_versions() -> None:
    days = find_upload_days("theano", ["1.0.5", "99.0"], index=None)
    assert days == {"1.0.5": dt.date(2020, 7, 27)}


def test_uploads_ignore_files_for_other_systems() -> None:
    """TensorFlow 1.12.0 was uploaded for macOS on 5 November, for Linux after midnight."""
    (upload,) = [
        upload
        for upload in load_uploads("tensorflow")
        if (upload.package, upload.version) == ("tensorflow", "1.12.0")
    ]
    assert upload.day == dt.date(2018, 11, 6)
