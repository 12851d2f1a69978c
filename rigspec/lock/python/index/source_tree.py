"""The name, version and requirements of a source tree, read without running its code.

An archive of a repository has no PKG-INFO, which a build writes.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomli

__all__ = ["SourceTree", "find_submodules", "read_source_tree"]

_LITERAL = re.compile(r"^(?:__version__|version|VERSION)\s*(?::\s*\w+\s*)?=\s*[\"']([^\"']+)", re.M)
_VERSION_FILES = ("__init__.py", "version.py", "_version.py", "__about__.py", "__version__.py")
# A line of a requirements file that is one: no option, no address, no comment.
_LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\]\s*)?(?:[(<>=!~;].*)?")
# setuptools builds this version of a project that states none.
_NO_VERSION = "0.0.0"


@dataclass(frozen=True)
class SourceTree:
    """The metadata that a source tree states; None where only a run of its build would show it."""

    version: str | None
    requires: tuple[str, ...] | None


def read_source_tree(texts: Mapping[str, str], package: str) -> SourceTree:
    """Return the metadata of a tree of a package; ``texts`` are its files by path."""
    project = _read_project(texts.get("pyproject.toml", ""))
    setup = _read_setup(texts.get("setup.py", ""))
    options = _read_options(texts.get("setup.cfg", ""))
    return SourceTree(
        _find_version(texts, package, project, setup, options),
        _find_requirements(texts, project, setup, options),
    )


def find_submodules(gitmodules: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the folders of git submodules that an archive has no files of."""
    paths = re.findall(r"^\s*path\s*=\s*(\S+)\s*$", gitmodules, re.M)
    return tuple(path for path in paths if not any(n.startswith(f"{path}/") for n in names))


def _read_project(text: str) -> Mapping[str, Any]:
    try:
        found = tomli.loads(text).get("project")
    except tomli.TOMLDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _read_options(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return configparser.ConfigParser()
    return parser


def _read_setup(text: str) -> dict[str, ast.expr] | None:
    """Return the arguments of the call of setup; None without a call that can be read."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    assigned = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name_of(node.func) == "setup":
            given = {each.arg: each.value for each in node.keywords if each.arg is not None}
            return {
                key: assigned.get(value.id, value) if isinstance(value, ast.Name) else value
                for key, value in given.items()
            }
    return None


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _find_version(
    texts: Mapping[str, str],
    package: str,
    project: Mapping[str, Any],
    setup: Mapping[str, ast.expr] | None,
    options: configparser.ConfigParser,
) -> str | None:
    if isinstance(project.get("version"), str):
        return str(project["version"])
    stated = options.get("metadata", "version", fallback="")
    if re.fullmatch(r"[0-9][\w.+]*", stated):
        return stated
    if "version" in project.get("dynamic", ()):
        return _find_assigned_version(texts, package)
    if setup is None:
        return None
    if "version" not in setup:
        return None if stated or "use_scm_version" in setup else _NO_VERSION
    value = setup["version"]
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    return _find_assigned_version(texts, package)


def _find_assigned_version(texts: Mapping[str, str], package: str) -> str | None:
    """Return the version that the package itself has as a literal."""
    folder = re.sub(r"[-.]", "_", package)
    for prefix in (f"{folder}/", f"src/{folder}/"):
        for name in _VERSION_FILES:
            found = _LITERAL.search(texts.get(prefix + name, ""))
            if found is not None:
                return found[1]
    return None


def _find_requirements(
    texts: Mapping[str, str],
    project: Mapping[str, Any],
    setup: Mapping[str, ast.expr] | None,
    options: configparser.ConfigParser,
) -> tuple[str, ...] | None:
    named = project.get("dependencies")
    if isinstance(named, list):
        return tuple(each for each in named if isinstance(each, str))
    if "version" in project and "dependencies" not in project.get("dynamic", ()):
        return ()
    stated = options.get("options", "install_requires", fallback="").strip()
    if stated:
        return tuple(_read_lines(stated)) if not stated.startswith("file:") else None
    if setup is None:
        return None
    value = setup.get("install_requires")
    if value is None:
        return ()
    if isinstance(value, ast.List | ast.Tuple):
        items = [each.value if isinstance(each, ast.Constant) else None for each in value.elts]
        texts_only = [item for item in items if isinstance(item, str)]
        return tuple(texts_only) if len(texts_only) == len(items) else None
    if "requirements.txt" in ast.unparse(value):
        return tuple(_read_lines(texts.get("requirements.txt", "")))
    return None


def _read_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        requirement = line.partition("#")[0].strip()
        if _LINE.fullmatch(requirement):
            yield requirement
