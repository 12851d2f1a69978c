"""The conda packages of a lock, in folders by channel as in a mirror."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from rigspec.bundle.downloads import fetch_file
from rigspec.bundle.model import BundleFile, BundlePart, MissingItem
from rigspec.lock.conda.channels import get_alias_path, resolve_alias
from rigspec.lock.conda.lockfile import read_conda_lock
from rigspec.lock.model import LockedEnv, LockedMachine

__all__ = ["fetch_conda_part"]

_FOLDER = "conda"


def fetch_conda_part(machines: Iterable[LockedMachine], mirror: str | None) -> BundlePart:
    """Return every package that conda installs.

    A channel that the spec gives as an address is missing: no mirror replaces it.

    Args:
        machines: The machines of the lock.
        mirror: The address below which channels are found by name; None is the default.

    """
    files: dict[str, BundleFile] = {}
    missing: dict[str, MissingItem] = {}
    for env in (env for machine in machines for env in machine.envs if env.conda_lock):
        for found in _packages(env, mirror):
            if isinstance(found, MissingItem):
                missing[found.what] = found
            else:
                files[found.path] = found
    mirrors = (("conda", _FOLDER),) if files else ()
    return BundlePart(tuple(files.values()), (), tuple(missing.values()), mirrors)


def _packages(env: LockedEnv, mirror: str | None) -> Iterator[BundleFile | MissingItem]:
    for package in read_conda_lock(env.conda_lock):
        path = get_alias_path(package.address)
        if path is None:
            channel = package.address.rsplit("/", 2)[0].partition("://")[2].rpartition("/")[2]
            why = "the spec gives its address, and no mirror replaces an address"
            yield MissingItem(f"the channel {channel}", why)
            continue
        address = resolve_alias(package.address, mirror)
        yield BundleFile(
            f"{_FOLDER}/{path}", package.sha256, partial(fetch_file, address, package.sha256)
        )
