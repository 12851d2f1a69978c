"""What the words of a lock must look like before anything is made of them.

A lock can be written by hand, with sums that fit. What becomes a file's name or an argument of a
package manager has the form of one, and nothing has a character that ends a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rigspec.tree import escapes_root

__all__ = ["validation_error"]

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_VALID_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9]+)?")


def validation_error(content: Mapping[str, Any]) -> str | None:
    """Why the content of a ``rig.lock`` is not to be believed; None where it is."""
    for text in _strings(content):
        if _CONTROL.search(text):
            return "holds a control character"
    for machine in content["machines"]:
        for name in _names(machine):
            if _VALID_NAME.fullmatch(name) is None:
                return f"names something {name!a}"
        for package in machine.get("packages", ()):
            if _PACKAGE.fullmatch(package["name"]) is None:
                return f"has a package called {package['name']!a}"
        for path in _files(machine):
            if escapes_root(path):
                return f"names {path!a}, which leads out of its folder"
    return None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for below in value.values():
            yield from _strings(below)
    elif isinstance(value, list):
        for below in value:
            yield from _strings(below)


def _names(machine: Mapping[str, Any]) -> Iterator[str]:
    if "machine" in machine["resolution"]:
        yield machine["resolution"]["machine"]
    for env in (*machine.get("envs", ()), *machine["resolution"].get("envs", ())):
        yield env["name"]


def _files(machine: Mapping[str, Any]) -> Iterator[str]:
    for env in machine.get("envs", ()):
        for part in env.values():
            if isinstance(part, dict) and "file" in part:
                yield part["file"]
        for settings in env.get("settings", ()):
            yield settings["path"]
    for file in machine.get("files", ()):
        # Below the folder of downloads, under this very name.
        yield file["name"] if "/" not in file["name"] else "../" + file["name"]
