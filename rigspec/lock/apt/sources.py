"""The address of a distribution's archive.

The spec's ``[mirrors] apt`` comes first, then the environment, then this host's own apt sources,
then the archive that the matrix names. An environment variable that is set and empty disables the
archive.
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
from rigspec.spec.mirror_urls import has_snapshots

__all__ = ["Sources", "find_sources", "get_variable_name"]

_APT = Path("/etc/apt")


@dataclass(frozen=True)
class Sources:
    """Archive roots in the order of use, with placeholders.

    ``check_dates``: a Release past its own Valid-Until is refused; ``optional``: a
    root may belong to another distribution. ``snapshot`` is their moment.
    ``is_default``: the user configured none, and these may be out of reach.
    """

    roots: tuple[str, ...]
    check_dates: bool = True
    optional: bool = False
    snapshot: str | None = None
    is_default: bool = False


def find_sources(
    distribution: Distribution, mirror: str | None, snapshot: str | None
) -> Sources | None:
    """Return the roots to use; None where there is none.

    A mirror of snapshots is used at the ``snapshot`` of the lock; without one, the root that has
    the current state is used instead.
    """
    if mirror is not None and not has_snapshots(mirror):
        return Sources((mirror,))
    if mirror is not None and snapshot is not None:
        return Sources((mirror,), check_dates=False, snapshot=snapshot)
    configured = os.environ.get(get_variable_name(distribution))
    if configured is not None:
        return Sources(tuple(configured.split())) if configured.split() else None
    roots = tuple(dict.fromkeys(_host_roots(distribution)))
    if roots:
        return Sources(roots, _host_checks_dates(), optional=True)
    return Sources(distribution.urls, is_default=True) if distribution.urls else None


def get_variable_name(distribution: Distribution) -> str:
    """Return the environment variable that lists archive roots, separated by spaces."""
    return f"RIGSPEC_APT_{distribution.name.upper()}"


def _host_roots(distribution: Distribution) -> Iterator[str]:
    """Yield the addresses in this host's apt sources that have a suite of the distribution."""
    for addresses, suites in _host_entries():
        if any(suite.split("-")[0].split("/")[0] in distribution.codenames for suite in suites):
            for address in addresses:
                if re.match(r"(?:https?|file)://?", address):
                    yield address.rstrip("/")


def _host_entries() -> Iterator[tuple[list[str], list[str]]]:
    """Yield addresses and suites of every entry for binary packages in the component ``main``."""
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
    """Return whether this host's apt refuses an expired Release."""
    if shutil.which("apt-config") is None:
        return True
    done = subprocess.run(
        ["apt-config", "dump", "--format", "%v%n", "Acquire::Check-Valid-Until"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip().lower() not in ("false", "no", "0", "off", "without", "disable")
