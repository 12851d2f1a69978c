"""The packages of the system as steps: where they come from, and what each step installs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from rigspec.lock.model import LockedMachine, LockedPackage
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import COMPONENTS, PACKAGES, REPOSITORY, package_list
from rigspec.plan.steps import AptPackage, AptPackages, AptSource, Step
from rigspec.spec.models.mirrors import archive_url, has_snapshots
from rigspec.spec.models.rig import Rig

__all__ = [
    "PARTS",
    "package_list_file",
    "package_lists",
    "packages_of",
    "source_steps",
    "system_steps",
]

# The parts of a rig that have packages of the system.
PARTS = (
    *("system", "fetch", "driver", "driver-libraries", "cuda", "interpreter"),
    *("service", "host-service", "tmux", "certificate"),
)


def source_steps(rig: Rig, locked: LockedMachine) -> Iterator[Step]:
    """The distribution's archive: where the spec names a mirror of it, and where a machine has no
    more than its first component and the lock needs others.
    """
    mirror = rig.mirrors.apt
    if mirror is None:
        yield from _components(locked)
        return
    dated = has_snapshots(mirror)
    # Nobody reads descriptions here, and a part of an archive may come without them.
    options = "lang=none check-valid-until=no" if dated else "lang=none"
    entries = tuple(
        f"deb [signed-by={archive.keyring} {options}] "
        f"{archive_url(mirror, archive.distribution, archive.snapshot)} {archive.suite} "
        f"{' '.join(archive.components)}"
        for archive in locked.archives
        if archive.keyring is not None and (archive.snapshot is not None or not dated)
    )
    if entries:
        yield AptSource(
            id="archive",
            title="The distribution's archive, from where the spec says",
            part="system",
            name="rig",
            entries=entries,
        )


def _components(locked: LockedMachine) -> Iterator[AptSource]:
    components = tuple(dict.fromkeys(c for a in locked.archives for c in a.components))
    if len(components) > 1:
        yield AptSource(
            id="archive",
            title=f"The distribution's archive, with {', '.join(components[1:])}",
            part="system",
            name="rig",
            suites=tuple(archive.suite for archive in locked.archives),
            components=components,
            program=COMPONENTS,
        )


def system_steps(locked: LockedMachine) -> Iterator[Step]:
    """What the rig asks of the distribution, and what fetches and checks files."""
    for part, name, title in (
        ("system", "system-packages", "Packages of the system"),
        ("fetch", "fetch-tools", "What fetches and checks files"),
    ):
        packages = packages_of(locked, part)
        if packages:
            listed = package_list_file(locked, part)
            yield AptPackages(id=name, title=title, part="system", packages=packages, listed=listed)


def packages_of(locked: LockedMachine, part: str, *, hold: bool = False) -> tuple[AptPackage, ...]:
    """The packages of a part and then what they need. ``hold`` is for what an unattended upgrade
    would break: the packages themselves, what is built with them, and what else comes from a
    repository beside the distribution's own.
    """
    direct = [package for package in locked.packages if package.part == part]
    names = {package.name for package in direct}
    needed = {p.name: p for p in locked.packages if part in p.needed_by and p.name not in names}
    built = {package.version for package in direct if package.version is not None}
    beside = {repository.name for repository in locked.repositories}
    held = [*direct, *(p for p in needed.values() if p.version in built or p.archive in beside)]
    return tuple(
        _package(package, hold and package in held)
        for package in (*direct, *(needed[name] for name in sorted(needed)))
    )


def package_list_file(locked: LockedMachine, part: str) -> str:
    """The payload file with the versions of a part; empty where none has one."""
    return package_list(part) if any(p.version for p in packages_of(locked, part)) else ""


def package_lists(locked: LockedMachine) -> Iterator[PayloadFile]:
    """The versions and checksums of every part, and the program that holds a machine to them."""
    lists = [part for part in PARTS if package_list_file(locked, part)]
    for part in lists:
        pinned = [p for p in packages_of(locked, part) if p.version is not None]
        lines = [" ".join(filter(None, (package.pin, package.sha256))) for package in pinned]
        yield PayloadFile(package_list(part), "\n".join(lines) + "\n")
    if lists:
        yield _program(PACKAGES)
    if any(len(archive.components) > 1 for archive in locked.archives):
        yield _program(COMPONENTS)
    if locked.repositories:
        yield _program(REPOSITORY)


def _program(name: str) -> PayloadFile:
    text = (resources.files("rigspec.plan") / "payload" / name).read_text(encoding="utf-8")
    return PayloadFile(name, text)


def _package(package: LockedPackage, hold: bool) -> AptPackage:
    return AptPackage(package.name, package.version, package.sha256, hold)
