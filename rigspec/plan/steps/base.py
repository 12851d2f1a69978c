"""The base class of steps, and the values that a step gives to targets, doctor and compare."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import Enum, IntEnum
from typing import ClassVar

from rigspec.frozen import dataclass

__all__ = [
    "LINKS",
    "ChecksumIndex",
    "ImagePhase",
    "Scope",
    "Step",
    "StepFact",
    "StepFile",
    "Values",
    "build_call",
    "compute_digest",
]

# The values of a step by the names in its shell. None and False are left out; True is `yes`.
Values = Mapping[str, str | bool | None]

# The steps of this group are symbolic links in an image, to what a container gets at its start.
LINKS = "links"


class Scope(str, Enum):
    """The scope of a step: the running host and its kernel, a file tree, or login sessions."""

    HOST = "host"
    IMAGE = "image"
    SESSION = "session"


class ChecksumIndex(str, Enum):
    """An index that lists the checksums of its files: of the system's packages, or PyPI."""

    APT = "packages"
    PYPI = "requirements"


class ImagePhase(IntEnum):
    """The order of steps in an image: what changes seldom comes first."""

    PLATFORM = 1
    APT_SOURCES = 2
    SYSTEM_PACKAGES = 3
    APT_REPOSITORIES = 4
    TOOLKIT_PACKAGES = 5
    DOWNLOADS = 6
    SOURCE_BUILDS = 7
    ENVIRONMENTS = 8
    ACTIVATION = 9
    LINKS = 10
    FILES = 11
    START = 12


@dataclass(frozen=True)
class StepFile:
    """A file that a target delivers for a step: its content, or a template in the kind's folder."""

    name: str
    content: str = ""
    template: str | None = None


@dataclass(frozen=True)
class StepFact:
    """A property of the machine that a step determines, for comparing machines.

    ``section`` is the heading it is shown under, ``content`` the checksum of a content that is
    compared as well. ``layer`` replaces the layer of the step.
    """

    section: str
    name: str
    value: str
    content: str = ""
    layer: str | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a plan.

    ``id`` is unique in the plan and matches ``[a-z0-9-]+``. ``title`` is a noun phrase of at most
    40 characters, unless a name in it is long. ``needs`` are ids of earlier steps. ``layer`` is the
    layer of the rig (``driver``, ``cuda``, ``env``…): manifests support or exclude steps by kind or
    by layer. A step that ``is_only_needed`` does nothing of use without the steps that need it.

    ``summary`` and ``in_image`` are the row of the kind in the documentation: what it does, and
    whether an image can contain it. ``uses_apt_index`` is set if it downloads apt's package index.
    """

    kind: ClassVar[str]
    summary: ClassVar[str]
    in_image: ClassVar[str] = "yes"
    scope: ClassVar[Scope] = Scope.IMAGE
    is_only_needed: ClassVar[bool] = False
    uses_apt_index: ClassVar[bool] = False
    id: str
    title: str
    layer: str
    needs: tuple[str, ...] = ()

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.FILES

    @property
    def image_group(self) -> str:
        """Return a key that is equal for the steps of a kind that are one instruction."""
        return self.id

    @property
    def image_links(self) -> tuple[tuple[str, str], ...]:
        """Return the target and the path of each symbolic link that an image has instead."""
        return ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Return the ids of the steps that write files which this step reads."""
        return ()

    @property
    def lock_files(self) -> tuple[str, ...]:
        """Return the names of the files of the lock that its shell reads."""
        return tuple(file.name for file in self.delivered_files)

    @property
    def indexed_files(self) -> tuple[tuple[str, ChecksumIndex], ...]:
        """Return the files of the lock with checksums that an index has as well."""
        return ()

    @property
    def delivered_files(self) -> tuple[StepFile, ...]:
        """Return the files that a target delivers for it."""
        return ()

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines: by default, all its fields as one value."""
        content = " ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return (StepFact(self.kind, self.id, self.title, compute_digest(content)),)

    @property
    def reboot_inputs(self) -> tuple[str, ...]:
        """Return what requires a reboot when it changes."""
        return ()

    @property
    def fix_requires_reboot(self) -> bool:
        """Return whether a repaired step takes effect at the next boot."""
        return self.scope is Scope.HOST

    @property
    def recreates(self) -> str | None:
        """Return the directory that it deletes and creates when it is run again."""
        return None

    @property
    def changes_inside(self) -> str | None:
        """Return the directory of another step that it changes."""
        return None

    @property
    def restarts_after(self) -> tuple[str, ...]:
        """Return the ids of the steps after which it must be run again."""
        return ()

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions; ``steps`` are all steps of a target."""
        return {}

    def list_words(self) -> tuple[str, ...]:
        """Return the words that follow the values: a command, or names."""
        return ()

    def list_readers(self, steps: tuple[Step, ...]) -> str | None:
        """Return the ids of the steps that read its files, separated by spaces."""
        return " ".join(step.id for step in steps if self.id in step.reads) or None


def build_call(step: Step, steps: tuple[Step, ...], *, title: bool = True) -> tuple[str, ...]:
    """Return the words of a step's line in the plan of the installer, its title empty or not."""
    return (step.id, step.title if title else "", step.kind, *_list_call_words(step, steps))


def compute_digest(content: str) -> str:
    """Return the sha256 of a text in hexadecimal."""
    return hashlib.sha256(content.encode()).hexdigest()


def _list_call_words(step: Step, steps: tuple[Step, ...]) -> Iterator[str]:
    for name, value in step.list_values(steps).items():
        if value is True:
            yield f"{name}=yes"
        elif isinstance(value, str):
            yield f"{name}={value}"
    words = step.list_words()
    if words:
        yield "--"
        yield from words
