"""Digests that a lock should have and lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lock.artifacts import INTERPRETER
from rigspec.lock.model import Lock, LockedMachine
from rigspec.lock.oci.choice import choose_base_image
from rigspec.lock.previous import IMAGE
from rigspec.spec.loader import LoadedSpec

__all__ = ["find_missing_digests", "find_unverified_downloads"]


def find_missing_digests(
    spec: LoadedSpec, machines: Iterable[LockedMachine]
) -> Iterator[Diagnostic]:
    """Yield an error for every base image and download without a digest."""
    for machine in machines:
        if machine.image is None or machine.image.digest is None:
            image = choose_base_image(spec.rig, machine.resolution).name
            reasons = [item.reason for item in machine.unpinned if item.part == IMAGE]
            why = reasons[0] if reasons else "the lock was created without it"
            yield _missing(spec, machine, f"base image {image}", why, ("container", "base"))
        for item in machine.unpinned:
            if item.part and item.part != IMAGE:
                place = ("env",) if item.part == INTERPRETER else ("cuda", item.part)
                yield _missing(spec, machine, item.what, item.reason, place)
        for file in machine.files:
            if not file.sha256:
                yield _missing(spec, machine, file.name, "not recorded", ("download",))


def find_unverified_downloads(lock: Lock) -> Iterator[Diagnostic]:
    """Yield a warning for every checksum that was taken over an unprotected connection."""
    for file in sorted({file for machine in lock.machines for file in machine.files}, key=str):
        if file.pinned_by == "lock" and file.url.startswith("http://"):
            yield Diagnostic(
                code="RS514",
                severity=Severity.WARNING,
                message=f"the checksum of `{file.name}` was taken over plain HTTP",
                help=(
                    "compare it with the publisher's and write it into the spec: "
                    f'`sha256 = "{file.sha256}"`',
                ),
            )


def _missing(
    spec: LoadedSpec, machine: LockedMachine, what: str, why: str, place: tuple[str, ...]
) -> Diagnostic:
    name = machine.resolution.machine
    if place[0] == "container" and (spec.rig.container is None or not spec.rig.container.base):
        place = ("machine", name, "os") if name is not None else ("name",)
    return Diagnostic(
        code="RS511",
        severity=Severity.ERROR,
        message=f"no digest for {what}: {why}",
        spans=(spec.document.span(place),),
        help=("lock it where its registry or server answers, or leave out --require-digests",),
    )
