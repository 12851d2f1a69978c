"""The apt packages of a lock, with the signed indexes of their archives.

Packages of the distribution are below `apt/`, those of NVIDIA's repository below `nvidia/`, each
at the path of its address, so that `[mirrors]` can name the folder. Index, package list and key
are byte for byte those of the archive: the signature stays valid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from rigspec.bundle.downloads import fetch_file
from rigspec.bundle.model import (
    BundleFile,
    BundlePart,
    GeneratedFile,
    Item,
    MissingItem,
    create_part,
)
from rigspec.lock.apt.archive import Archive, open_archives
from rigspec.lock.apt.distribution import Distribution, find_distribution
from rigspec.lock.apt.packages_index import PackageList
from rigspec.lock.apt.sources import find_sources, get_variable_name
from rigspec.lock.apt.third_party import Repository, RepositoryUnavailable, open_repository
from rigspec.lock.errors import index_failure
from rigspec.lock.model import (
    DNF,
    LockedArchive,
    LockedMachine,
    LockedPackage,
    LockedRepository,
)
from rigspec.matrix.loader import load_matrix
from rigspec.spec.mirror_urls import build_mirror_url

__all__ = ["fetch_apt_part", "fetch_repositories_part", "find_package_file"]

_REPOSITORY_FOLDER = "nvidia"
_REPOSITORY_MOVED_ON = "its repository no longer lists this version; lock again"


def fetch_repositories_part(machines: Iterable[LockedMachine], mirror: str | None) -> BundlePart:
    """Return the packages that these machines pin from third-party repositories.

    Raises:
        LockError: A repository is unreachable or its index cannot be trusted.

    """
    found = (
        item
        for machine in machines
        for repository in machine.repositories
        for item in _repository(machine, repository, mirror)
    )
    return create_part(found, (_REPOSITORY_FOLDER, _REPOSITORY_FOLDER))


def _repository(
    machine: LockedMachine, repository: LockedRepository, mirror: str | None
) -> Iterator[Item]:
    own = [package for package in machine.packages if package.archive == repository.name]
    if repository.manager == DNF:
        why = "a bundle cannot include packages of dnf"
        yield MissingItem(f"packages of the repository {repository.name}", why)
        return
    if not own or any(package.sha256 is None for package in own):
        why = "the lock pins versions, but no checksums"
        yield MissingItem(f"the repository {repository.name}", why)
        return
    try:
        opened = open_repository(repository, mirror)
    except RepositoryUnavailable as error:
        yield MissingItem(f"the repository {repository.name}", str(error))
        return
    distribution = find_distribution(load_matrix(), machine.resolution.os, machine.resolution.arch)
    architecture = distribution.architecture if distribution is not None else ""
    yield from _files(repository, opened, architecture, own)


def _files(
    repository: LockedRepository,
    opened: Repository,
    architecture: str,
    packages: Sequence[LockedPackage],
) -> Iterator[Item]:
    folder, archive = build_mirror_url(repository.url, _REPOSITORY_FOLDER), opened.archive
    packed, text = archive.compressed_list("", architecture), archive.packages("", architecture)
    if packed is None or text is None:
        raise index_failure(f"the package list of {repository.name}", "the index has none")
    yield GeneratedFile(build_mirror_url(repository.key_url, _REPOSITORY_FOLDER), opened.key)
    for name, data in (*archive.signed.items(), packed):
        yield GeneratedFile(f"{folder}/{name}", data)
    listed = PackageList(repository.name, text, architecture=architecture)
    for package in packages:
        yield find_package_file(package, [listed], folder, archive, _REPOSITORY_MOVED_ON)


_FOLDER = "apt"
_MIRROR = "apt/{distribution}/{snapshot}"
_MOVED_ON = "its archive lists another version; lock again, or use a mirror of snapshots"


def fetch_apt_part(machines: Iterable[LockedMachine], mirror: str | None) -> BundlePart:
    """Return the packages that these machines pin from their distribution.

    Raises:
        LockError: An archive is unreachable or its index cannot be trusted.

    """
    found = (item for machine in machines for item in _machine(machine, mirror))
    return create_part(found, (_FOLDER, _MIRROR))


def find_package_file(
    package: LockedPackage, lists: Iterable[PackageList], root: str, archive: Archive, why: str
) -> BundleFile | MissingItem:
    """Return a package as a file below ``root``, or as missing if the archive no longer lists it.

    Args:
        package: The package of the lock.
        lists: The archive's package lists.
        root: The archive's folder in the bundle.
        archive: The archive to download from.
        why: The reason to give if no list has the package.

    """
    listed = {offer.sha256 for each in lists for offer in each.versions_of(package.name)}
    if package.sha256 is None or package.path is None or package.sha256 not in listed:
        return MissingItem(f"{package.name} {package.version}", why)
    fetch = partial(fetch_file, f"{archive.root}/{package.path}", package.sha256)
    return BundleFile(f"{root}/{package.path}", package.sha256, fetch)


def _machine(machine: LockedMachine, mirror: str | None) -> Iterator[Item]:
    system = machine.resolution.os
    repositories = {repository.name for repository in machine.repositories}
    own = [package for package in machine.packages if package.archive not in repositories]
    if not own:
        return
    if any(package.sha256 is None for package in own):
        yield MissingItem(f"packages of {system}", "the lock does not pin them")
        return
    moment = next((archive.snapshot for archive in machine.archives), None)
    distribution = find_distribution(load_matrix(), system, machine.resolution.arch)
    sources = find_sources(distribution, mirror, moment) if distribution is not None else None
    if distribution is None or sources is None or moment is None:
        yield MissingItem(f"packages of {system}", _unknown(distribution, moment))
        return
    opened = {each.locked.name: each for each in open_archives(distribution, sources)}
    for locked in machine.archives:
        if locked.name in opened:
            requested = [package for package in own if package.archive == locked.name]
            yield from _suite(opened[locked.name], locked, requested, distribution)
        else:
            yield MissingItem(f"packages of {locked.name}", "no archive has this suite now")


def _unknown(distribution: Distribution | None, moment: str | None) -> str:
    if distribution is None or moment is None:
        return "its archive has no snapshots that a mirror could be named by"
    return (
        "no archive of this distribution is configured; set `[mirrors] apt` or the environment "
        f"variable {get_variable_name(distribution)}"
    )


def _suite(
    archive: Archive,
    locked: LockedArchive,
    packages: Iterable[LockedPackage],
    distribution: Distribution,
) -> Iterator[Item]:
    root = f"{_FOLDER}/{locked.distribution}/{locked.snapshot}"
    folder = f"{root}/dists/{locked.suite}"
    for name, data in archive.signed.items():
        yield GeneratedFile(f"{folder}/{name}", data)
    lists = []
    for component in locked.components:
        packed = archive.compressed_list(component, distribution.architecture)
        text = archive.packages(component, distribution.architecture)
        if packed is not None and text is not None:
            path, data = packed
            hashed = f"by-hash/SHA256/{hashlib.sha256(data).hexdigest()}"
            yield GeneratedFile(f"{folder}/{path}", data)
            yield GeneratedFile(f"{folder}/{path.rpartition('/')[0]}/{hashed}", data)
            lists.append(PackageList(locked.name, text))
    for package in packages:
        yield find_package_file(package, lists, root, archive, _MOVED_ON)
