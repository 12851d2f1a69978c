"""Finds the backends: folders with a manifest and templates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from typing import TYPE_CHECKING

from rigspec.backend.manifest import Manifest, ManifestError, OutputTable, read_manifest
from rigspec.diagnostics.model import Source
from rigspec.plan.model import Omission, Plan
from rigspec.plan.steps import Step

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = ["Backend", "BackendError", "Check", "Exclusion", "Limit", "Output", "find_backends"]

_PACKAGE = "rigspec.backends"
_GROUP = "rigspec.backends"
_MANIFEST = "manifest.toml"


class BackendError(Exception):
    """A backend's manifest or template is wrong; the message names it."""


@dataclass(frozen=True)
class Output:
    """A file the backend writes. ``each`` is a kind of step: one file for each, its name in
    ``path`` as ``{name}``. An ``optional`` one is not written where its template says nothing.
    ``copies`` is a file of the lock that is written as it is, where the plan has it, in place of a
    template. ``bulk_of`` is the path of an output that fetches this one where it would be too long
    itself; ``{sha256}`` in ``path`` is then this file's own.
    """

    path: str
    template: str
    mode: int
    each: str | None
    optional: bool = False
    copies: str | None = None
    bulk_of: str | None = None


@dataclass(frozen=True)
class Limit:
    """How long an output may be for a provider to take it, and where that was read.

    ``binary`` says whether the provider takes bytes that are no text.
    """

    path: str
    provider: str
    size: int
    binary: bool
    source: Source


@dataclass(frozen=True)
class Exclusion:
    """Kinds of step, or parts of a rig, that the backend leaves to somebody else, and the sentence
    it says of them.
    """

    kinds: tuple[str, ...]
    parts: tuple[str, ...]
    says: str

    def has(self, step: Step) -> bool:
        """Whether the step is left."""
        return step.kind in self.kinds or step.layer in self.parts


@dataclass(frozen=True)
class Check:
    """A real tool that checks an output; ``{}`` in ``command`` is the file."""

    path: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Backend:
    """A target. ``payload`` is the folder for the lock's own files, None where none travel. Of the
    kinds that it ``takes`` it carries out those in ``starts`` when what it built is started.
    """

    name: str
    title: str
    summary: str
    folder: Traversable
    outputs: tuple[Output, ...]
    payload: str | None
    takes: frozenset[str]
    leaves: tuple[Exclusion, ...]
    checks: tuple[Check, ...]
    limits: tuple[Limit, ...] = ()
    starts: frozenset[str] = frozenset()

    def built(self, plan: Plan) -> tuple[Step, ...]:
        """The steps that are true of what this backend built before it is started.

        Raises BackendError as ``steps`` does.
        """
        return tuple(step for step in self.steps(plan) if step.kind not in self.starts)

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

    def omissions(self, plan: Plan) -> tuple[Omission, ...]:
        """What this backend does not do of a plan, and why."""
        found = []
        for leave in self.leaves:
            titles = [step.title for step in plan.steps if self._leave(step) is leave]
            found += [Omission(title, leave.says) for title in titles]
        return (*found, *plan.omissions)

    def _leave(self, step: Step) -> Exclusion | None:
        return next((leave for leave in self.leaves if leave.has(step)), None)


def find_backends() -> tuple[Backend, ...]:
    """Every backend, ours and those of other distributions, sorted by name.

    Raises BackendError.
    """
    found: dict[str, tuple[str, Backend]] = {}
    for source, backend in (*_ours(), *_theirs()):
        if backend.name in found:
            first = found[backend.name][0]
            raise BackendError(
                f"there are two targets called {backend.name}: of {first} and of {source}"
            )
        found[backend.name] = source, backend
    return tuple(found[name][1] for name in sorted(found))


def _ours() -> Iterator[tuple[str, Backend]]:
    for folder in sorted(files(_PACKAGE).iterdir(), key=lambda folder: folder.name):
        if folder.is_dir() and (folder / _MANIFEST).is_file():
            yield "rigspec", _read(folder, "rigspec")


def _theirs() -> Iterator[tuple[str, Backend]]:
    """Those of other distributions: each entry point names the package that is the folder."""
    points = entry_points(group=_GROUP)
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        source = "another distribution"
        if point.dist is not None:
            source = f"{point.dist.name} {point.dist.version}"
        try:
            folder = files(point.value)
        except (ImportError, TypeError, ValueError) as error:
            raise BackendError(
                f"{source}: the entry point {point.name} names {point.value}, which is no package"
                f" that can be imported: {error}"
            ) from error
        yield source, _read(folder, source)


def _read(folder: Traversable, source: str) -> Backend:
    file = f"{folder.name}/{_MANIFEST}"
    try:
        text = (folder / _MANIFEST).read_text(encoding="utf-8")
        manifest = read_manifest(file, text)
    except (OSError, UnicodeDecodeError) as error:
        raise BackendError(f"{source}: {file} cannot be read: {error}") from error
    except ManifestError as error:
        raise BackendError(f"{source}: {error}") from error
    for write in manifest.writes:
        if write.template and not folder.joinpath(*write.template.split("/")).is_file():
            raise BackendError(f"{source}: {file}: there is no template {write.template}")
    return _backend(folder, manifest)


def _output(row: OutputTable) -> Output:
    return Output(
        path=row.path,
        template=row.template or "",
        mode=int(row.mode, 8),
        each=row.each,
        optional=row.optional,
        copies=row.copies,
        bulk_of=row.bulk_of,
    )


def _backend(folder: Traversable, manifest: Manifest) -> Backend:
    return Backend(
        name=manifest.name,
        title=manifest.title,
        summary=manifest.summary,
        folder=folder,
        outputs=tuple(_output(row) for row in manifest.writes),
        payload=manifest.payload,
        takes=frozenset(manifest.takes),
        leaves=tuple(Exclusion(row.kinds, row.parts, row.says) for row in manifest.leaves),
        checks=tuple(Check(row.path, row.command) for row in manifest.checks),
        limits=tuple(
            Limit(
                path=row.path,
                provider=row.provider,
                size=row.bytes,
                binary=row.binary,
                source=Source(row.source, row.url, row.read),
            )
            for row in manifest.limits
        ),
        starts=frozenset(manifest.starts),
    )
