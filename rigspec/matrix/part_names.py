"""Parts by the names that people write for them."""

from __future__ import annotations

import re

from rigspec.matrix.model import Product, Release

__all__ = ["find_part"]


def find_part(product: Product, model: str) -> Release | None:
    """The release that is meant: ``GTX 1080 Ti``, ``1080ti`` and ``Zotac GeForce GTX 1080 Ti``
    are one card. None where no name, or more than one, fits.
    """
    wanted = _essence(model, product.noise)
    if not wanted:
        return None
    exact = [r for r in product.releases if wanted in _names(r, product)]
    if not exact and wanted.isalnum() and wanted[0].isdigit():
        # A bare number is a GeForce: nobody writes `1080` for anything else.
        exact = [
            r for r in product.releases if {f"gtx{wanted}", f"rtx{wanted}"} & _names(r, product)
        ]
    return exact[0] if len(exact) == 1 else None


def _names(release: Release, product: Product) -> set[str]:
    return {_essence(name, product.noise) for name in (release.version, *release.names)}


def _essence(name: str, noise: tuple[str, ...]) -> str:
    words = re.findall(r"[a-z]+|\d+", name.lower())
    return "".join(word for word in words if word not in noise)
