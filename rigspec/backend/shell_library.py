"""The shell functions of the steps and of the installer, which are the same for every rig."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib.resources import files

from rigspec.plan.steps import Step
from rigspec.plan.steps.registry import find_step_kinds

__all__ = ["LIBRARIES", "read_library", "read_library_for"]

_FIRST_BOOT = (
    "constants.sh",
    "common.sh",
    "step.sh*",
    "apt-locks.sh",
    "no-records.sh",
    "first-boot.sh",
    "source-line.sh*",
    "skip-completed.sh",
)
_SHORT_FIRST_BOOT = (
    *_FIRST_BOOT[:-2],
    "new-source-line.sh*",
    "skip-marked.sh",
    "complete-checksums.sh",
)
_INSTALLERS = frozenset({"install.sh", "rig-installer.sh"})
# The comments of functions, except headings and directives.
_HEADERS = re.compile(
    r"""(?mx)
    ^\#(?!\ ---|\ shellcheck).*\n(\n(?=\n|\#(?!\ ---|\ shellcheck)))?  # above a function
    |(?<=\(\)\ \{)\ \ \#.*$  # behind its name
    """
)
_RECORDS = (
    "constants.sh",
    "common.sh",
    "step.sh source-line.sh remove.sh*",
    "records.sh",
    "record-files.sh",
    "record-directories.sh",
    "apt-locks.sh",
    "packages.sh",
    "accounts.sh",
)
_RUNNER = ("runner.sh", "uninstall.sh", "main.sh")
# A library -> its parts in order; a part that ends in `*` are files of every kind of step.
LIBRARIES = {
    "install.sh": (*_RECORDS, "lock-files.sh", *_RUNNER),
    "rig-installer.sh": (*_RECORDS, "embedded-files.sh", *_RUNNER),
    "steps.sh": (
        "standalone.sh",
        "constants.sh",
        "common.sh",
        "step.sh*",
        "source-line.sh*",
        "apt-locks.sh",
        "no-records.sh",
        "standalone-main.sh",
    ),
    "first-boot.sh": _FIRST_BOOT,
    "short-first-boot.sh": _SHORT_FIRST_BOOT,
}
_APT, _DNF = "apt-packages", "dnf-packages"
# Parts for apt -> the same for dnf, which does not need all of them.
_PARTS_FOR_DNF = {"packages.sh": "dnf-packages.sh", "apt-locks.sh": None}


@cache
def read_library(name: str, *, comments: bool = True, others: frozenset[str] = frozenset()) -> str:
    """Return the text of a library with every built-in kind of step.

    In an installer, functions have only the comments inside of them. Without ``comments``, it has
    the same functions in fewer lines. ``others`` are further kinds, of other distributions.

    Raises:
        KeyError: There is no such library.

    """
    builtin = {kind.name for kind in find_step_kinds().values() if kind.is_builtin}
    return _join(name, builtin | others, comments=comments)


def read_library_for(steps: Iterable[Step], name: str, *, comments: bool = True) -> str:
    """Return the text of a library with the kinds of these steps only, for places with little room.

    Raises:
        KeyError: There is no such library.

    """
    kinds = {kind.kind for step in steps for kind in type(step).__mro__ if hasattr(kind, "kind")}
    return _join(name, kinds, comments=comments)


def _join(name: str, kinds: Collection[str], *, comments: bool) -> str:
    parts = _read_parts(name, kinds)
    text = "\n".join(part.strip("\n") + "\n" for part in parts).rstrip("\n")
    if not comments:
        return _remove_comments(text)
    return _HEADERS.sub("", text) if name in _INSTALLERS else text


def _remove_comments(text: str) -> str:
    lines = (line for line in text.split("\n") if not line.lstrip().startswith("#"))
    text = re.sub(r"(?m)^(\w+\(\) \{)  # .*", r"\1", "\n".join(lines))
    return re.sub(r"(?m)^\}\n\n+", "}\n", text)


def _read_parts(name: str, kinds: Collection[str]) -> Iterator[str]:
    folder = files("rigspec.backends") / "steps" / "library"
    for part in _list_parts(name, kinds):
        if part.endswith("*"):
            texts = _read_step_files(part.rstrip("*"), kinds)
            yield from map(_remove_checks, texts) if "skip-marked.sh" in LIBRARIES[name] else texts
        else:
            yield (folder / part).read_text(encoding="utf-8")


def _list_parts(name: str, kinds: Collection[str]) -> Iterator[str]:
    """Yield the parts of a library; those for dnf if it is the only package manager."""
    uses_dnf = _DNF in kinds and _APT not in kinds
    for part in LIBRARIES[name]:
        found = _PARTS_FOR_DNF.get(part, part) if uses_dnf else part
        if found is not None:
            yield found


def _remove_checks(text: str) -> str:
    """Return the shell of a kind of step without its function that looks for its result."""
    return re.sub(r"(?ms)^\w+_is_done\(\) \{\n.*?^\}\n\n?", "", text)


def _read_step_files(names: str, kinds: Collection[str]) -> Iterator[str]:
    """Yield the shell of the kinds of steps that have any of the files."""
    for kind in find_step_kinds().values():
        if kind.name in kinds:
            texts = [text for name in names.split() if (text := kind.read_shell(name)) is not None]
            if texts:
                yield "\n".join([f"# --- {kind.name}\n", *texts])
