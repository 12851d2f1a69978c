"""Load the tables of the matrix, and only those that are needed."""

from __future__ import annotations

import datetime as dt
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

import rigspec.diagnostics.model as diagnostics_model
import rigspec.matrix.model as matrix_model
import rigspec.matrix.packages as matrix_packages
import rigspec.matrix.rows as matrix_rows
from rigspec.cache.matrix_tables import load_objects
from rigspec.garbage_collection import pause_garbage_collection
from rigspec.matrix import part_lookup
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import Matrix, Product, compute_digest
from rigspec.matrix.rows import build_product
from rigspec.package_files import locate_package_file

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = [
    "build_matrix",
    "compute_matrix_digest",
    "find_package_owner",
    "get_table_path",
    "list_package_names",
    "list_product_names",
    "load_matrix",
]

# More than the keys before the first TOML table of any file.
_HEAD_BYTES = 8192


def load_matrix(products: Iterable[str] | None = None) -> Matrix:
    """Return the matrix, or the part of it about ``products``. Each table is read only once.

    An invalid table raises as well: `rigspec matrix verify` checks all tables before a release.

    Raises:
        KeyError: A product has no table.
    """
    return _load_part(list_product_names() if products is None else tuple(sorted(set(products))))


def build_matrix(tables: Mapping[str, bytes]) -> Matrix:
    """Build a matrix from the bytes of its tables, by product."""
    return _join([_parse_product(name, tables[name]) for name in sorted(tables)])


def compute_matrix_digest() -> str:
    """Return the digest of the whole matrix, without parsing it."""
    return compute_digest((name, _table_entry(name).read_bytes()) for name in list_product_names())


def find_package_owner(package: str) -> tuple[str, str] | None:
    """Return the product and the family of a package on the Python index, if it has one.

    ``tensorflow-gpu`` is a family of ``tensorflow``; ``torch`` is a product without families.
    """
    return _load_package_index().get(re.sub(r"[-_.]+", "-", package).lower())


def list_package_names() -> tuple[str, ...]:
    """Return the names of all packages of frameworks on the Python index, sorted."""
    return tuple(sorted(_load_package_index()))


@lru_cache(maxsize=1)
def list_product_names() -> tuple[str, ...]:
    """Return the names of all products that have a table, sorted: `torch`, `package:vllm`."""
    packages = (
        f"{PACKAGE_PREFIX}{name}" for name in _iterate_tables(get_tables_folder() / "package")
    )
    return tuple(sorted((*_iterate_tables(get_tables_folder()), *packages)))


def get_table_path(product: str) -> Path:
    """Return the path of a product's table."""
    return Path(str(_table_entry(product)))


@lru_cache(maxsize=64)
def _load_part(names: tuple[str, ...]) -> Matrix:
    with pause_garbage_collection():
        return _join([_load_product(name) for name in names])


_Loaded = tuple[Product, dt.date, bytes]


@lru_cache(maxsize=64)
def _load_product(name: str) -> _Loaded:
    if name not in list_product_names():
        raise KeyError(name)
    return _parse_product(name, _table_entry(name).read_bytes())


def _parse_product(name: str, data: bytes) -> _Loaded:
    key = name.replace(":", "-")
    product, day = load_objects(key, data, _compute_code_checksum(), _build_table)
    return product, day, data


def _build_table(table: Mapping[str, Any]) -> tuple[Product, dt.date]:
    product = build_product(table)
    if product.kind in part_lookup.KINDS:
        # Stored with the product: normalizing all names takes as long as reading them.
        part_lookup.index_names(product)
    return product, dt.date.fromisoformat(table["as_of"])


@lru_cache(maxsize=1)
def _compute_code_checksum() -> int:
    """Return a checksum of the modules that decide what a product holds."""
    checksum = 0
    modules = (matrix_model, matrix_packages, matrix_rows, diagnostics_model, part_lookup)
    for file in (__file__, *(str(module.__file__) for module in modules)):
        checksum = zlib.crc32(locate_package_file(file, Path(file).name).read_bytes(), checksum)
    return checksum


def _join(tables: Sequence[_Loaded]) -> Matrix:
    return Matrix(
        max((day for _, day, _ in tables), default=dt.date.min),
        tuple(product for product, _, _ in tables),
        tuple((product.name, data) for product, _, data in tables),
    )


@lru_cache(maxsize=1)
def _load_package_index() -> Mapping[str, tuple[str, str]]:
    """Return the product and family of every package of a framework.

    Only the head of each file is read, the keys before its first TOML table: parsing whole
    tables would take most of the time of a check.
    """
    folder = get_tables_folder()
    index: dict[str, tuple[str, str]] = {}
    for name in _iterate_tables(folder):
        with (folder / f"{name}.toml").open("rb") as file:
            head = file.read(_HEAD_BYTES).partition(b"\n[")[0]
        if b'"framework"' in head:
            table = tomli.loads(head.decode())
            families = table.get("families", ())
            index.update({family: (name, family) for family in families} or {name: (name, "")})
            for alias, package in table.get("aliases", {}).items():
                index[alias] = (name, package if package in families else "")
    return index


def _table_entry(product: str) -> Traversable:
    package = product.removeprefix(PACKAGE_PREFIX)
    folder = get_tables_folder() if package == product else get_tables_folder() / "package"
    return folder / f"{package}.toml"


def _iterate_tables(folder: Traversable) -> Iterator[str]:
    return (entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))


@lru_cache(maxsize=1)
def get_tables_folder() -> Traversable:
    """Return the folder of all tables."""
    return locate_package_file(__file__, "tables")
