"""Finds the backends: folders with a manifest and templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import tomli

from rigspec.plan.steps import LeftOut, Plan, Step

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = ["Backend", "BackendError", "Check", "Leave", "Output", "find_backends"]

_PACKAGE = "rigspec.backends"
_GROUP = "rigspec.backends"
_MANIFEST = "manifest.toml"


class BackendError(Exception):
    """A backend's manifest or template is wrong; the message names it."""


@dataclass(frozen=True)
class Output:
    """A file the backend writes. ``each`` is a kind of step: one file for each, its name in
    ``path`` as ``{name}``. An ``optional`` one is not written where its template says nothing.
    """

    path: str
    template: str
    mode: int
    each: str | None
    optional: bool = False


@dataclass(frozen=True)
class Leave:
    """Kinds of step, or parts of a rig, that the backend leaves to somebody else, and the sentence
    it says of them.
    """

    kinds: tuple[str, ...]
    parts: tuple[str, ...]
    says: str

    def has(self, step: Step) -> bool:
        """Whether the step is left."""
        return step.kind in self.kinds or step.part in self.parts


@dataclass(frozen=True)
class Check:
    """A real tool that checks an output; ``{}`` in ``command`` is the file."""

    path: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Backend:
    """A target. ``payload`` is the folder for the lock's own files, None where none travel."""

    name: str
    title: str
    summary: str
    folder: Traversable
    outputs: tuple[Output, ...]
    payload: str | None
    takes: frozenset[str]
    leaves: tuple[Leave, ...]
    checks: tuple[Check, ...]

    def steps(self, plan: Plan) -> tuple[Step, ...]:
        """The steps of a plan that this backend carries out.

        Raises BackendError for a step it neither takes nor leaves: nothing is lost in silence.
        """
        left = [step for step in plan.steps if self._leave(step) is not None]
        for step in plan.steps:
            if step.kind not in self.takes and step not in left:
                raise BackendError(
                    f"the backend {self.name} neither takes nor leaves steps of kind {step.kind}"
                )
        return tuple(step for step in plan.steps if step not in left)

    def left_out(self, plan: Plan) -> tuple[LeftOut, ...]:
        """What this backend does not do of a plan, and why."""
        found = []
        for leave in self.leaves:
            titles = [step.title for step in plan.steps if self._leave(step) is leave]
            found += [LeftOut(title, leave.says) for title in titles]
        return (*found, *plan.left_out)

    def _leave(self, step: Step) -> Leave | None:
        return next((leave for leave in self.leaves if leave.has(step)), None)


def find_backends() -> tuple[Backend, ...]:
    """Every backend, ours and those of other distributions, sorted by name.

    Raises BackendError.
    """
    found = {backend.name: backend for backend in _ours()}
    for point in sorted(entry_points(group=_GROUP), key=lambda point: point.name):
        backend = _read(files(point.value))
        if backend.name in found:
            raise BackendError(f"there are two backends called {backend.name}")
        found[backend.name] = backend
    return tuple(found[name] for name in sorted(found))


def _ours() -> Iterator[Backend]:
    for folder in files(_PACKAGE).iterdir():
        if folder.is_dir() and (folder / _MANIFEST).is_file():
            yield _read(folder)


def _read(folder: Traversable) -> Backend:
    try:
        manifest = tomli.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return _backend(folder, manifest)
    except (OSError, tomli.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
        raise BackendError(f"{folder.name}/{_MANIFEST}: {error!r}") from error


def _output(row: Mapping[str, Any]) -> Output:
    return Output(
        path=row["path"],
        template=row["template"],
        mode=int(row.get("mode", "0644"), 8),
        each=row.get("each"),
        optional=row.get("optional", False),
    )


def _backend(folder: Traversable, manifest: Mapping[str, Any]) -> Backend:
    return Backend(
        name=manifest["name"],
        title=manifest["title"],
        summary=manifest["summary"],
        folder=folder,
        outputs=tuple(_output(row) for row in manifest["writes"]),
        payload=manifest.get("payload"),
        takes=frozenset(manifest["takes"]),
        leaves=tuple(
            Leave(tuple(row.get("kinds", ())), tuple(row.get("parts", ())), row["says"])
            for row in manifest.get("leaves", ())
        ),
        checks=tuple(
            Check(row["path"], tuple(row["command"])) for row in manifest.get("checks", ())
        ),
    )
