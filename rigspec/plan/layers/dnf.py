"""Steps for dnf repositories, and for their packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources

from rigspec.lock.model import DNF, LockedMachine, LockedPackage
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import CHECK_RPMS, package_list
from rigspec.plan.steps import DnfPackage, DnfPackagesStep, DnfRepositoryStep
from rigspec.spec.types import has_apt

__all__ = [
    "build_dnf_package_lists",
    "build_dnf_package_step",
    "build_dnf_repository_steps",
    "uses_dnf",
]


def uses_dnf(locked: LockedMachine) -> bool:
    """Return whether the packages of the lock are those of dnf."""
    return not has_apt(locked.resolution.os)


def build_dnf_repository_steps(locked: LockedMachine) -> Iterator[DnfRepositoryStep]:
    """Yield the repositories that packages of the lock come from."""
    for repository in locked.repositories:
        if repository.manager == DNF and repository.key_sha256 is not None:
            yield DnfRepositoryStep(
                id=f"repository-{repository.name}",
                title=f"Dnf repository: {repository.name}",
                layer="system",
                name=repository.name,
                url=repository.url,
                key_url=repository.key_url,
                key_sha256=repository.key_sha256,
                signed_index=bool(repository.signed_index),
            )


def build_dnf_package_step(
    locked: LockedMachine,
    packages: Sequence[LockedPackage],
    list_file: str,
    *,
    id: str,
    title: str,
    layer: str,
    needs: tuple[str, ...] = (),
) -> Iterator[DnfPackagesStep]:
    """Yield the step that installs packages, if there are any, after their repositories."""
    if not packages:
        return
    repositories = tuple(step.id for step in build_dnf_repository_steps(locked))
    yield DnfPackagesStep(
        id=id,
        title=title,
        layer=layer,
        needs=(*needs, *repositories),
        packages=tuple(DnfPackage(p.name, p.version, p.arch, p.sha256) for p in packages),
        package_list=list_file,
    )


def build_dnf_package_lists(
    parts: Mapping[str, Sequence[LockedPackage]],
) -> Iterator[PayloadFile]:
    """Yield the package list of each part, and the program that uses them."""
    for part, packages in parts.items():
        pinned = [DnfPackage(p.name, p.version, p.arch, p.sha256) for p in packages if p.version]
        lines = [f"{package.pin} {package.sha256}\n" for package in pinned]
        yield PayloadFile(package_list(part), "".join(lines))
    if parts:
        file = resources.files("rigspec.plan") / "payload" / CHECK_RPMS
        yield PayloadFile(CHECK_RPMS, file.read_text(encoding="utf-8"))
