"""The conda packages of a lock, below the name of their channel as a mirror has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from rigspec.bundle.downloads import fetch_file
from rigspec.bundle.model import BundleFile, MissingItem, Part
from rigspec.lock.conda.channels import alias_path, with_alias
from rigspec.lock.conda.lockfile import locked_packages
from rigspec.lock.model import LockedEnv, LockedMachine

__all__ = ["conda_part"]

_FOLDER = "conda"


def conda_part(machines: Iterable[LockedMachine], mirror: str | None) -> Part:
    """Every package that conda installs; ``mirror`` is where channels that go by a name stand.

    A channel that goes by its address stays where it is: no mirror stands in for it.
    """
    wanted: dict[str, BundleFile] = {}
    absent: dict[str, MissingItem] = {}
    for env in (env for machine in machines for env in machine.envs if env.conda_lock):
        for found in _packages(env, mirror):
            if isinstance(found, MissingItem):
                absent[found.what] = found
            else:
                wanted[found.path] = found
    mirrors = (("conda", _FOLDER),) if wanted else ()
    return Part(tuple(wanted.values()), (), tuple(absent.values()), mirrors)


def _packages(env: LockedEnv, mirror: str | None) -> Iterator[BundleFile | MissingItem]:
    for package in locked_packages(env.conda_lock):
        path = alias_path(package.address)
        if path is None:
            channel = package.address.rsplit("/", 2)[0].partition("://")[2].rpartition("/")[2]
            why = "the spec names it by its address, and no mirror stands in for that"
            yield MissingItem(f"the channel {channel}", why)
            continue
        address = with_alias(package.address, mirror)
        yield BundleFile(
            f"{_FOLDER}/{path}", package.sha256, partial(fetch_file, address, package.sha256)
        )
