"""Where a distribution's archive is to be found: the user's own configuration, never a name here.

The spec's ``[mirrors] apt`` comes first, then the environment, then this host's own apt sources.
An environment variable that is there and empty says that there is none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rigspec.lock.apt.distribution import Distribution
from rigspec.spec.models.mirrors import has_snapshots

__all__ = ["Sources", "sources_of", "variable_of"]

_APT = Path("/etc/apt")


@dataclass(frozen=True)
class Sources:
    """Archive roots, in the order to be asked; places in them are still to be filled.

    ``check_dates`` says whether a Release past its own Valid-Until is refused, ``optional`` that a
    root may turn out to be another distribution's. ``snapshot`` is the moment that they are of.
    """

    roots: tuple[str, ...]
    check_dates: bool = True
    optional: bool = False
    snapshot: str | None = None


def sources_of(
    distribution: Distribution, mirror: str | None, snapshot: str | None
) -> Sources | None:
    """The roots to ask; None where nobody names any.

    A mirror of snapshots is asked for the ``snapshot`` that the lock has; without one, what tells
    the present state is asked instead.
    """
    if mirror is not None and not has_snapshots(mirror):
        return Sources((mirror,))
    if mirror is not None and snapshot is not None:
        return Sources((mirror,), check_dates=False, snapshot=snapshot)
    told = os.environ.get(variable_of(distribution))
    if told is not None:
        return Sources(tuple(told.split())) if told.split() else None
    roots = tuple(dict.fromkeys(_host_roots(distribution)))
    return Sources(roots, _host_checks_dates(), optional=True) if roots else None


def variable_of(distribution: Distribution) -> str:
    """The environment variable that names archive roots, a space between them."""
    return f"RIGSPEC_APT_{distribution.name.upper()}"


def _host_roots(distribution: Distribution) -> Iterator[str]:
    """The addresses in this host's apt sources that carry a suite of the distribution."""
    for addresses, suites in _host_entries():
        if any(suite.split("-")[0].split("/")[0] in distribution.codenames for suite in suites):
            for address in addresses:
                if re.match(r"(?:https?|file)://?", address):
                    yield address.rstrip("/")


def _host_entries() -> Iterator[tuple[list[str], list[str]]]:
    """Addresses and suites of every entry for binary packages in the component ``main``."""
    folder = _APT / "sources.list.d"
    for file in [_APT / "sources.list", *sorted(folder.glob("*.list"))]:
        for line in _text(file).splitlines():
            found = re.match(r"\s*deb\s+(?:\[[^]]*\]\s*)?(\S+)\s+(\S+)\s+(.*)", line)
            if found and "main" in found[3].split():
                yield [found[1]], [found[2]]
    for file in sorted(folder.glob("*.sources")):
        yield from _deb822_entries(_text(file))


def _deb822_entries(text: str) -> Iterator[tuple[list[str], list[str]]]:
    from debian.deb822 import Deb822

    for entry in Deb822.iter_paragraphs(text, use_apt_pkg=False):
        words = {key.lower(): str(value).split() for key, value in entry.items()}
        enabled = words.get("enabled", ["yes"]) not in (["no"], ["false"])
        if enabled and "deb" in words.get("types", []) and "main" in words.get("components", []):
            yield words.get("uris", []), words.get("suites", [])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _host_checks_dates() -> bool:
    """Whether this host's apt refuses a Release that is past its date: its sources, its policy."""
    if shutil.which("apt-config") is None:
        return True
    done = subprocess.run(
        ["apt-config", "dump", "--format", "%v%n", "Acquire::Check-Valid-Until"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip().lower() not in ("false", "no", "0", "off", "without", "disable")
