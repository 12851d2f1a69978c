"""The base class of steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

__all__ = ["Scope", "Step", "Values", "build_call"]

# The values of a step by the names in its shell. None and False are left out; True is `yes`.
Values = Mapping[str, str | bool | None]


class Scope(str, Enum):
    """The scope of a step: the running host and its kernel, a file tree, or login sessions."""

    HOST = "host"
    IMAGE = "image"
    SESSION = "session"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a plan.

    ``id`` is unique in the plan and matches ``[a-z0-9-]+``. ``title`` is a noun phrase of at most
    40 characters, unless a name in it is long. ``needs`` are ids of earlier steps. ``layer`` is the
    layer of the rig (``driver``, ``cuda``, ``env``…): manifests support or exclude steps by kind or
    by layer. A step that ``is_only_needed`` does nothing of use without the steps that need it.
    """

    kind: ClassVar[str]
    scope: ClassVar[Scope] = Scope.IMAGE
    is_only_needed: ClassVar[bool] = False
    id: str
    title: str
    layer: str
    needs: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Return the ids of the steps that write files which this step reads."""
        return ()

    @property
    def reboot_inputs(self) -> tuple[str, ...]:
        """Return what requires a reboot when it changes."""
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


def build_call(step: Step, steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Return the words of a step's line in the plan of the installer."""
    return (step.id, step.title, step.kind, *_list_call_words(step, steps))


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
