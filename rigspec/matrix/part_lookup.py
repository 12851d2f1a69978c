"""Parts by the names that people write for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from rigspec.matrix.model import Product, Release

__all__ = ["find_part", "names_of", "near_parts", "variants_of"]

_MEMORY = re.compile(r"[\s-]*\b\d+\s?GB\s*$", re.IGNORECASE)


def find_part(product: Product, model: str) -> Release | None:
    """The release that is meant: ``GTX 1080 Ti``, ``1080ti`` and ``Zotac GeForce GTX 1080 Ti``
    are one card. None where no name, or more than one, fits.
    """
    wanted = _essence(model, product.ignored_words)
    if not wanted:
        return None
    index = _index(product)
    exact = index.get(wanted, ())
    if not exact and wanted.isalnum() and wanted[0].isdigit():
        # A bare number is a GeForce: nobody writes `1080` for anything else.
        exact = (*index.get(f"gtx{wanted}", ()), *index.get(f"rtx{wanted}", ()))
    if not exact and _MEMORY.search(model):
        # `RTX 3060 12GB`: the memory is told where nobody else counts it to the name.
        return find_part(product, _MEMORY.sub("", model))
    return exact[0] if len(exact) == 1 else None


def variants_of(product: Product, model: str) -> tuple[Release, ...]:
    """The parts that were sold under one name and differ in what is in brackets: their chip."""
    wanted = _essence(model, product.ignored_words)
    return tuple(
        release
        for release in product.releases
        if "(" in release.version
        and _essence(release.version.partition("(")[0], product.ignored_words) == wanted
    )


def near_parts(product: Product, model: str) -> tuple[Release, ...]:
    """The parts whose names come nearest to one that is none of them."""
    index = _index(product)
    near = get_close_matches(_essence(model, product.ignored_words), index, n=3, cutoff=0.7)
    return tuple(dict.fromkeys(release for name in near for release in index[name]))


def names_of(product: Product) -> Mapping[str, tuple[Release, ...]]:
    """The releases that answer to each name, stripped of what tells nothing apart."""
    return _index(product)


def _index(product: Product) -> Mapping[str, tuple[Release, ...]]:
    known = product.cache.get("names")
    if isinstance(known, dict):
        return known
    index: dict[str, tuple[Release, ...]] = {}
    for release in product.releases:
        label = f"{release.family or ''} {release.version}"
        for name in {_essence(n, product.ignored_words) for n in (label, *release.names)}:
            index[name] = (*index.get(name, ()), release)
    product.cache["names"] = index
    return index


def _essence(name: str, noise: tuple[str, ...]) -> str:
    words = re.findall(r"[a-z]+|\d+", name.lower())
    return "".join(word for word in words if word not in noise)
