"""The frameworks that an environment asks for, by whatever name it writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rigspec.matrix.load import package_owner, product_names
from rigspec.spec.environment import Environment

__all__ = ["AskedFramework", "asked_frameworks", "framework_products"]


@dataclass(frozen=True)
class AskedFramework:
    """One line that asks for a framework.

    ``family`` is the package that the line insists on: `tensorflow-gpu` is one of the packages
    of TensorFlow, and so is `tensorflow` where it stands among the packages.
    """

    product: str
    family: str
    request: str
    table: str  # "frameworks" | "packages"
    key: str


def asked_frameworks(env: Environment) -> Iterator[AskedFramework]:
    """Every line of the environment about a framework that the matrix knows, in order."""
    for key, request in sorted(env.frameworks.items()):
        owner = package_owner(key)
        if key.lower() in product_names():
            yield AskedFramework(key.lower(), "", request, "frameworks", key)
        elif owner is not None:
            yield AskedFramework(owner[0], owner[1], request, "frameworks", key)
    for key, request in sorted(env.packages.items()):
        owner = package_owner(key)
        if owner is not None:
            yield AskedFramework(owner[0], owner[1], request, "packages", key)


def framework_products(env: Environment) -> tuple[str, ...]:
    """The products among them, each once, sorted."""
    return tuple(sorted({asked.product for asked in asked_frameworks(env)}))
