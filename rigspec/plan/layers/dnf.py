"""Steps for dnf repositories, and for their packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from rigspec.lock.apt.selection import DEPENDENCY
from rigspec.lock.model import DNF, LockedMachine, LockedPackage
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import CHECK_RPMS, package_list
from rigspec.plan.steps import DnfPackage, DnfPackagesStep, DnfRepositoryStep
from rigspec.spec.types import has_apt

__all__ = [
    "DnfPart",
    "build_dnf_package_lists",
    "build_dnf_package_step",
    "build_dnf_part",
    "build_dnf_repository_steps",
    "uses_dnf",
]


def uses_dnf(locked: LockedMachine) -> bool:
    """Return whether the packages of the lock are those of dnf."""
    return not has_apt(locked.resolution.os)


def build_dnf_repository_steps(locked: LockedMachine) -> Iterator[DnfRepositoryStep]:
    """Yield the repositories that packages of the lock come from."""
    for repository in locked.repositories:
        if repository.manager == DNF:
            yield DnfRepositoryStep(
                id=f"repository-{repository.name}",
                title=f"Dnf repository: {repository.name}",
                layer="cuda" if repository.third_party else "system",
                name=repository.name,
                url=repository.url,
                key_url=repository.key_url,
                key_sha256=repository.key_sha256,
                key_text_sha256=repository.key_text_sha256,
                key_fingerprint=repository.key_fingerprint,
                signed_index=bool(repository.signed_index),
                module_hotfixes=bool(repository.module_hotfixes),
            )


@dataclass(frozen=True)
class DnfPart:
    """The locked packages of a part and the file with their list; empty if none is pinned."""

    packages: tuple[DnfPackage, ...]
    package_list: str
    repositories: tuple[str, ...]


def build_dnf_part(
    locked: LockedMachine, packages: Sequence[LockedPackage], list_file: str, *, hold: bool = False
) -> DnfPart:
    """Return the packages of a part, and the ids of the steps of their repositories.

    With ``hold``, packages from the third-party repositories of the part's own packages are held.
    """
    others = {each.name for each in locked.repositories if each.third_party}
    held = {p.archive for p in packages if p.part != DEPENDENCY} & others if hold else set()
    # The dependencies of unpinned packages may be in any of them.
    is_open = any(p.archive in others and p.sha256 is None for p in packages)
    used = {p.archive for p in packages}
    repositories = (
        f"repository-{each.name}"
        for each in locked.repositories
        if each.manager == DNF and (is_open or not each.third_party or each.name in used)
    )
    found = (DnfPackage(p.name, p.version, p.arch, p.sha256, p.archive in held) for p in packages)
    return DnfPart(tuple(found), list_file, tuple(repositories))


def build_dnf_package_step(
    part: DnfPart, *, id: str, title: str, layer: str, needs: tuple[str, ...] = ()
) -> Iterator[DnfPackagesStep]:
    """Yield the step that installs packages, if there are any, after their repositories."""
    if part.packages:
        yield DnfPackagesStep(
            id=id,
            title=title,
            layer=layer,
            needs=tuple(dict.fromkeys((*needs, *part.repositories))),
            packages=part.packages,
            package_list=part.package_list,
        )


def build_dnf_package_lists(
    parts: Mapping[str, Sequence[LockedPackage]],
) -> Iterator[PayloadFile]:
    """Yield the package list of each part, and the program that uses them."""
    for part, packages in parts.items():
        pinned = [DnfPackage(p.name, p.version, p.arch, p.sha256) for p in packages if p.sha256]
        lines = [f"{package.pin} {package.sha256}\n" for package in pinned]
        yield PayloadFile(package_list(part), "".join(lines))
    if parts:
        file = resources.files("rigspec.plan") / "payload" / CHECK_RPMS
        yield PayloadFile(CHECK_RPMS, file.read_text(encoding="utf-8"))
