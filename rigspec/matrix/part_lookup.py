"""Look up parts by the names that users write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from rigspec.matrix.model import Product, Release

__all__ = [
    "KINDS",
    "find_other_maker",
    "find_part",
    "find_similar_parts",
    "find_variants",
    "index_names",
]

# The kinds of products whose releases are parts.
KINDS = frozenset({"case", "chipset", "cpu", "generation", "gpu", "instance", "psu"})

_MEMORY = re.compile(r"(?<![\s-])[\s-]*\b\d+\s?GB\s*$", re.IGNORECASE)
# A part of a card: a MIG instance as nvidia-smi prints it, or a vGPU profile (`A100-20C`).
_SHARE = re.compile(r"(?<!\s)\s+MIG\s+\d+[cg]\.\S+\s*$|-\d+[ABCQ]\s*$", re.IGNORECASE)


def find_part(product: Product, model: str) -> Release | None:
    """Return the part with this name, or ``None`` if none or more than one matches.

    ``GTX 1080 Ti``, ``1080ti`` and ``Zotac GeForce GTX 1080 Ti`` are the same card.
    """
    name = _normalize(model, product)
    if not name:
        return None
    index = index_names(product)
    exact = index.get(name, ())
    if not exact and name.isalnum() and name[0].isdigit():
        # A bare number is a GeForce: no other series is written `1080`.
        exact = (*index.get(f"gtx{name}", ()), *index.get(f"rtx{name}", ()))
    if not exact and _SHARE.search(model):
        return find_part(product, _SHARE.sub("", model))
    if not exact and _MEMORY.search(model):
        # `RTX 3060 12GB`: no such card has the memory in its name, so ignore it.
        return find_part(product, _MEMORY.sub("", model))
    return exact[0] if len(exact) == 1 else None


def find_other_maker(product: Product, model: str) -> str | None:
    """Return the maker of a part that the product does not list: AMD of `MI300X`."""
    words = re.findall(r"[a-z0-9]+", model.lower())
    makers = {word: maker for maker, names in product.other_makers for word in names}
    return next((makers[word] for word in words[:2] if word in makers), None)


def find_variants(product: Product, model: str) -> tuple[Release, ...]:
    """Return the parts sold under one name with different chips, which brackets distinguish."""
    name = _normalize(model, product)
    return tuple(
        release
        for release in product.releases
        if "(" in release.version and _normalize(release.version.partition("(")[0], product) == name
    )


def find_similar_parts(product: Product, model: str) -> tuple[Release, ...]:
    """Return the parts with the names most similar to an unknown name.

    Swapped digits come first: `RTX 4909` is a typo of `RTX 4090`.
    """
    index = index_names(product)
    name = _normalize(model, product)
    swapped = [known for known in index if sorted(known) == sorted(name)]
    near = [*swapped, *get_close_matches(name, index, n=3, cutoff=0.7)][:3]
    return tuple(dict.fromkeys(release for name in near for release in index[name]))


def index_names(product: Product) -> Mapping[str, tuple[Release, ...]]:
    """Return the releases of each normalized name."""
    cached = product.cache.get("names")
    if isinstance(cached, dict):
        return cached
    index: dict[str, tuple[Release, ...]] = {}
    for release in product.releases:
        written = {f"{release.family or ''} {name}" for name in (release.version, *release.names)}
        for name in {_normalize(n, product) for n in (*written, *release.names)}:
            index[name] = (*index.get(name, ()), release)
    product.cache["names"] = index
    return index


def _normalize(name: str, product: Product) -> str:
    text = name.lower()
    if product.ignored_prefixes:
        text = re.sub(rf"(?<!\S)(?:{'|'.join(product.ignored_prefixes)})[._\s]+", "", text)
    words = re.findall(r"[a-z]+|\d+", text)
    return "".join(word for word in words if word not in product.ignored_words)
