"""A repository beside the distribution's own as a part of itself, its signature unbroken.

It stands below `nvidia/` at the path of its address, so that `[mirrors]` leads to it: the signed
index, the list of packages and the file of its key byte for byte, and the packages of the lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rigspec.bundle.apt import package_file
from rigspec.bundle.wanted import GeneratedFile, Item, MissingItem, Part, part_of
from rigspec.lock.apt.distribution import distribution_of
from rigspec.lock.apt.index import PackageList
from rigspec.lock.apt.repository import Repository, RepositoryUnavailable, open_repository
from rigspec.lock.failures import index_failure
from rigspec.lock.model import LockedMachine, LockedPackage, LockedRepository
from rigspec.matrix.load import load_matrix
from rigspec.spec.mirrors import moved_url

__all__ = ["repositories_part"]

_REPOSITORY_FOLDER = "nvidia"
_REPOSITORY_MOVED_ON = "its repository does not list it any more; lock again"


def repositories_part(machines: Iterable[LockedMachine], mirror: str | None) -> Part:
    """The packages that these machines pin from repositories beside the distribution's own.

    Raises LockError.
    """
    found = (
        item
        for machine in machines
        for repository in machine.repositories
        for item in _repository(machine, repository, mirror)
    )
    return part_of(found, (_REPOSITORY_FOLDER, _REPOSITORY_FOLDER))


def _repository(
    machine: LockedMachine, repository: LockedRepository, mirror: str | None
) -> Iterator[Item]:
    own = [package for package in machine.packages if package.archive == repository.name]
    if not own or any(package.sha256 is None for package in own):
        why = "the lock has its packages by their versions, without checksums"
        yield MissingItem(f"the repository {repository.name}", why)
        return
    try:
        opened = open_repository(repository, mirror)
    except RepositoryUnavailable as error:
        yield MissingItem(f"the repository {repository.name}", str(error))
        return
    distribution = distribution_of(load_matrix(), machine.resolution.os, machine.resolution.arch)
    architecture = distribution.architecture if distribution is not None else ""
    yield from _files(repository, opened, architecture, own)


def _files(
    repository: LockedRepository,
    opened: Repository,
    architecture: str,
    packages: Sequence[LockedPackage],
) -> Iterator[Item]:
    folder, archive = moved_url(repository.url, _REPOSITORY_FOLDER), opened.archive
    packed, text = archive.packed("", architecture), archive.packages("", architecture)
    if packed is None or text is None:
        raise index_failure(f"the list of packages of {repository.name}", "there is none")
    yield GeneratedFile(moved_url(repository.key_url, _REPOSITORY_FOLDER), opened.key)
    for name, data in (*archive.signed.items(), packed):
        yield GeneratedFile(f"{folder}/{name}", data)
    listed = PackageList(repository.name, text, architecture=architecture)
    for package in packages:
        yield package_file(package, [listed], folder, archive, _REPOSITORY_MOVED_ON)
