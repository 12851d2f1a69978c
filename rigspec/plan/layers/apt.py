"""Steps for the sources of system packages, and for the packages."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from rigspec.lock.model import LockedMachine, LockedPackage
from rigspec.plan.layers.dnf import (
    DnfPart,
    build_dnf_package_lists,
    build_dnf_package_step,
    build_dnf_part,
    build_dnf_repository_steps,
    uses_dnf,
)
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import APT_COMPONENTS, APT_SOURCE_LINE, CHECK_PACKAGES, package_list
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import (
    AptPackage,
    AptPackagesStep,
    AptSourceStep,
    DnfPackagesStep,
    Step,
)
from rigspec.spec.mirror_urls import build_archive_url, has_snapshots

__all__ = [
    "PARTS",
    "build_package_lists",
    "build_package_step",
    "build_source_steps",
    "build_system_steps",
    "get_dnf_part",
    "get_package_list_file",
    "select_packages",
]

# The parts of a lock that can have system packages.
PARTS = (
    *("system", "fetch", "driver-pinning", "driver", "fabric-manager", "driver-libraries"),
    *("cuda", "engine", "container-toolkit", "interpreter"),
    *("service", "host-service", "tmux", "certificate", "library"),
)


def build_source_steps(rig: RigSettings, locked: LockedMachine) -> Iterator[Step]:
    """Yield the apt source of the distribution's archive, if one is needed; or dnf repositories.

    It is needed if the spec sets a mirror, or if the lock needs more than the first component.
    """
    if uses_dnf(locked):
        yield from build_dnf_repository_steps(locked)
        return
    mirror = rig.mirrors.apt
    if mirror is None:
        yield from _component_source(locked)
        return
    dated = has_snapshots(mirror)
    # Skip translated descriptions: a partial mirror may not have them.
    options = "lang=none check-valid-until=no" if dated else "lang=none"
    entries = tuple(
        f"deb [signed-by={archive.keyring} {options}] "
        f"{build_archive_url(mirror, archive.distribution, archive.snapshot)} {archive.suite} "
        f"{' '.join(archive.components)}"
        for archive in locked.archives
        if archive.keyring is not None and (archive.snapshot is not None or not dated)
    )
    if entries:
        yield AptSourceStep(
            id="archive",
            title="Apt source: distribution archive",
            layer="system",
            name="rig",
            entries=entries,
        )


def _component_source(locked: LockedMachine) -> Iterator[AptSourceStep]:
    components = tuple(dict.fromkeys(c for a in locked.archives for c in a.components))
    if len(components) > 1:
        yield AptSourceStep(
            id="archive",
            title="Apt components of the distribution",
            layer="system",
            name="rig",
            suites=tuple(archive.suite for archive in locked.archives),
            components=components,
            program=APT_COMPONENTS,
        )


def build_system_steps(locked: LockedMachine) -> Iterator[Step]:
    """Yield the packages that the spec requests, and the tools that download and verify files."""
    for part, name, title in (
        ("system", "system-packages", "System packages"),
        ("fetch", "fetch-tools", "Packages: download tools"),
    ):
        yield from build_package_step(locked, part, id=name, title=title, layer="system")


def build_package_step(
    locked: LockedMachine,
    part: str,
    *,
    id: str,
    title: str,
    layer: str,
    needs: tuple[str, ...] = (),
    hold: bool = False,
) -> Iterator[AptPackagesStep | DnfPackagesStep]:
    """Yield the step that installs the packages of a part of the lock, if it has any.

    ``hold`` is that of ``select_packages``.
    """
    if uses_dnf(locked):
        found = get_dnf_part(locked, part, hold=hold)
        yield from build_dnf_package_step(found, id=id, title=title, layer=layer, needs=needs)
        return
    packages = select_packages(locked, part, hold=hold)
    if packages:
        yield AptPackagesStep(
            id=id,
            title=title,
            layer=layer,
            needs=needs,
            packages=packages,
            package_list=get_package_list_file(locked, part),
        )


def get_dnf_part(locked: LockedMachine, part: str, *, hold: bool = False) -> DnfPart:
    """Return the packages of a part for dnf."""
    list_file = get_package_list_file(locked, part)
    return build_dnf_part(locked, list_part_packages(locked, part), list_file, hold=hold)


def select_packages(
    locked: LockedMachine, part: str, *, hold: bool = False
) -> tuple[AptPackage, ...]:
    """Return the packages of a part, followed by their dependencies.

    With ``hold``, packages that an unattended upgrade must not change are held: the packages of the
    part, packages with the same version, and packages from third-party repositories.
    """
    direct = [package for package in locked.packages if package.part == part]
    packages = list_part_packages(locked, part)
    needed = {package.name: package for package in packages[len(direct) :]}
    versions = {package.version for package in direct if package.version is not None}
    third_party = {repository.name for repository in locked.repositories}
    to_hold = [
        *direct,
        *(p for p in needed.values() if p.version in versions or p.archive in third_party),
    ]
    return tuple(_apt_package(package, hold and package in to_hold) for package in packages)


def list_part_packages(locked: LockedMachine, part: str) -> tuple[LockedPackage, ...]:
    """Return the locked packages of a part, followed by their dependencies by name."""
    direct = [package for package in locked.packages if package.part == part]
    names = {package.name for package in direct}
    needed = {p.name: p for p in locked.packages if part in p.needed_by and p.name not in names}
    return (*direct, *(needed[name] for name in sorted(needed)))


def get_package_list_file(locked: LockedMachine, part: str) -> str:
    """Return the payload file with the versions of a part; empty if no package is pinned."""
    packages = list_part_packages(locked, part)
    is_dnf = uses_dnf(locked)
    is_pinned = any(p.sha256 if is_dnf else p.version for p in packages)
    return package_list(part) if is_pinned else ""


def build_package_lists(locked: LockedMachine) -> Iterator[PayloadFile]:
    """Yield the package list of every part, and the programs that use them."""
    lists = [part for part in PARTS if get_package_list_file(locked, part)]
    if uses_dnf(locked):
        yield from build_dnf_package_lists({p: list_part_packages(locked, p) for p in lists})
        return
    for part in lists:
        pinned = [p for p in select_packages(locked, part) if p.version is not None]
        lines = [" ".join(filter(None, (package.pin, package.sha256))) for package in pinned]
        yield PayloadFile(package_list(part), "\n".join(lines) + "\n")
    if lists:
        yield _read_program(CHECK_PACKAGES)
    if any(len(archive.components) > 1 for archive in locked.archives):
        yield _read_program(APT_COMPONENTS)
    if locked.repositories:
        yield _read_program(APT_SOURCE_LINE)


def _read_program(name: str) -> PayloadFile:
    text = (resources.files("rigspec.plan") / "payload" / name).read_text(encoding="utf-8")
    return PayloadFile(name, text)


def _apt_package(package: LockedPackage, hold: bool) -> AptPackage:
    return AptPackage(package.name, package.version, package.sha256, hold)
