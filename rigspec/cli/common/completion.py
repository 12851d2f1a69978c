"""Values that the shell completes: codes, targets, machines, GPUs, packages, components.

Where nothing matches, the shell completes files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from packaging.version import Version

__all__ = [
    "complete_codes",
    "complete_components",
    "complete_machines",
    "complete_products",
    "complete_question",
    "complete_releases",
    "complete_targets",
    "complete_users",
]

_BASE = ("cuda", "cudnn", "driver", "gpu", "os", "python")
# Names that people leave out.
_SERIES = re.compile(r"(?:GeForce|Quadro|Tesla) ")
# bash separates a word at the operators of a requirement, the other shells do not.
_REQUIREMENT = re.compile(r"([A-Za-z][\w.-]*)([=<>~!]=?=?)(.*)")
_OPERATOR = re.compile(r"[=<>~!]+")


def complete_codes(incomplete: str) -> list[str]:
    """Return the diagnostic codes that start so."""
    from rigspec.diagnostics.explanations import list_codes

    codes = _select(list_codes(), incomplete.upper())
    return [code.lower() for code in codes] if incomplete.islower() else codes


def complete_targets(incomplete: str) -> list[str]:
    """Return the targets that start so, after those that are named already: `docker,co`."""
    from rigspec.backend.discovery import find_backends

    named, comma, last = incomplete.rpartition(",")
    targets = [*(backend.name for backend in find_backends()), *([] if comma else ["all"])]
    rest = (name for name in targets if name not in named.split(","))
    return [f"{named}{comma}{name}" for name in _select(rest, last)]


def complete_machines(incomplete: str) -> list[str]:
    """Return the machines of the spec that start so."""
    return _select(_read_spec().get("machine", {}), incomplete)


def complete_users(incomplete: str) -> list[str]:
    """Return the users of the spec that start so."""
    return _select(_read_spec().get("user", {}), incomplete)


def complete_components(incomplete: str) -> list[str]:
    """Return the components of the spec that start so."""
    envs = _read_spec().get("env", {})
    names = dict.fromkeys(_BASE)
    for name, env in envs.items():
        names[f"{name}/python"] = None
        for table in ("frameworks", "packages"):
            names.update(dict.fromkeys(env.get(table, ())))
    return _select(names, incomplete)


def complete_question(incomplete: str) -> list[str]:
    """Return the GPUs and packages that start so, and the releases of a package."""
    from rigspec.matrix.loader import list_package_names

    words = _read_words()
    whole = _REQUIREMENT.fullmatch(incomplete)
    if whole is not None:
        name, operator, version = whole.groups()
        return [f"{name}{operator}{each}" for each in _list_releases(name, version)]
    if len(words) > 2 and _OPERATOR.fullmatch(words[-2]):
        return _list_releases(words[-3], incomplete)
    if len(words) > 1 and _OPERATOR.fullmatch(incomplete):
        return [f"{incomplete}{each}" for each in _list_releases(words[-2], "")]
    gpus = _list_gpus(incomplete) if incomplete else []
    return [*gpus, *_select(list_package_names(), incomplete)]


def complete_products(incomplete: str) -> list[str]:
    """Return the products of the matrix that start so."""
    from rigspec.matrix.loader import list_product_names

    return _select(list_product_names(), incomplete)


def complete_releases(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the releases of the product that start so, or its parts."""
    from rigspec.matrix.loader import list_product_names, load_matrix
    from rigspec.version_specifiers import strip_local_version

    product = ctx.params.get("product")
    if product not in list_product_names():
        return []
    if product == "gpu":
        return _list_gpus(incomplete)
    releases = load_matrix([product]).product(product).releases
    versions = dict.fromkeys(strip_local_version(release.version) for release in releases)
    return _quote(_select(versions, incomplete), incomplete)


def _list_gpus(incomplete: str) -> list[str]:
    """Return the GPUs that start so, with or without the name of their series."""
    from rigspec.matrix.loader import load_matrix

    names = [release.version for release in load_matrix(["gpu"]).product("gpu").releases]
    short = (_SERIES.sub("", name) for name in names)
    return _quote(_select(sorted({*names, *short}), incomplete), incomplete)


def _list_releases(package: str, incomplete: str) -> list[str]:
    """Return the releases of a framework that start so, the newest first, without builds."""
    from rigspec.matrix.loader import find_package_owner, load_matrix
    from rigspec.version_specifiers import strip_local_version

    owner = find_package_owner(package)
    if owner is None:
        return []
    releases = load_matrix([owner[0]]).product(owner[0]).releases
    versions = dict.fromkeys(strip_local_version(release.version) for release in releases)
    return sorted(_select(versions, incomplete), key=_order, reverse=True)


def _order(version: str) -> Version:
    from packaging.version import Version

    from rigspec.version_specifiers import parse_version

    return parse_version(version) or Version("0")


def _quote(names: Sequence[str], incomplete: str) -> list[str]:
    """Return the names as bash needs them, which inserts an answer as it is.

    An answer starts with the incomplete word, whose spaces have a backslash or quotes already.
    """
    is_bash = os.environ.get("_RIGSPEC_COMPLETE") == "complete_bash"
    if not is_bash or " " in incomplete or _read_words()[-1].startswith(('"', "'")):
        return list(names)
    return [name.replace(" ", "\\ ") for name in names]


def _select(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _read_words() -> list[str]:
    """Return the words of the line, the last of which is incomplete."""
    if "COMP_WORDS" in os.environ:
        return os.environ["COMP_WORDS"].split("\n")
    return os.environ.get("_TYPER_COMPLETE_ARGS", "").split(" ")


def _read_spec() -> Mapping[str, Any]:
    """Return the tables of the spec in the line, or of the next `rig.toml`."""
    import tomli

    named = [Path(word) for word in _read_words()[2:-1] if word.endswith((".toml", "/", "."))]
    folders = (Path.cwd(), *Path.cwd().parents)
    for path in [*named, *(folder / "rig.toml" for folder in folders)]:
        file = path / "rig.toml" if path.is_dir() else path
        if file.is_file():
            with suppress(OSError, ValueError):
                return tomli.loads(file.read_text(encoding="utf-8"))
            return {}
    return {}
