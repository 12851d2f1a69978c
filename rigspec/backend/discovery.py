"""Find the backends: directories with a manifest and templates."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

from rigspec.backend.documents import find_missing_library, list_document_omissions
from rigspec.backend.manifest import Manifest, ManifestError, OutputTable, read_manifest
from rigspec.diagnostics.model import Source
from rigspec.entry_points import list_entry_points
from rigspec.frozen import dataclass
from rigspec.plan.extensions import ExtensionError
from rigspec.plan.model import Omission, Plan
from rigspec.plan.services.registry import find_services
from rigspec.plan.steps import Check, Step, VerifyStep
from rigspec.plan.steps.registry import find_step_kinds

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = [
    "Backend",
    "BackendError",
    "Exclusion",
    "Limit",
    "Output",
    "OutputCheck",
    "find_backends",
    "find_template",
]

_PACKAGE = "rigspec.backends"
_GROUP = "rigspec.backends"
_MANIFEST = "manifest.toml"
# Templates of several targets: the shell of steps, and the instructions of Dockerfiles.
_SHARED = ("steps/", "image/")


class BackendError(Exception):
    """A manifest or template of a backend is invalid."""


@dataclass(frozen=True)
class Output:
    """A file that the backend writes.

    ``each`` is a kind of step: one file is written for each, with its name for ``{name}`` in
    ``path``. With ``optional``, the file is not written if its template is blank. ``copies`` is a
    file of the lock that is copied instead of rendering a template. ``document`` and ``values``
    are names in ``rigspec.backend.documents``: of a text, and of values for the template.
    ``overflow_of`` is the path of an output that downloads this file if it would exceed a size
    limit; ``{sha256}`` in ``path`` is then the digest of this file.
    """

    path: str
    template: str
    mode: int
    each: str | None
    optional: bool = False
    copies: str | None = None
    document: str | None = None
    values: str | None = None
    overflow_of: str | None = None


@dataclass(frozen=True)
class Limit:
    """The size limit of a provider for an output, with its source.

    ``binary`` is true if the provider accepts bytes that are not text.
    """

    path: str
    provider: str
    size: int
    binary: bool
    source: Source


@dataclass(frozen=True)
class Exclusion:
    """Kinds of steps or layers that the backend does not include, and the reason."""

    kinds: tuple[str, ...]
    layers: tuple[str, ...]
    reason: str

    def matches(self, step: Step) -> bool:
        """Return whether the step is excluded."""
        return step.kind in self.kinds or step.layer in self.layers


@dataclass(frozen=True)
class OutputCheck:
    """A program that checks an output; ``{}`` in ``command`` is the file."""

    path: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Backend:
    """A target.

    ``payload`` is the directory for the files of the lock, or None. Of the kinds of steps that it
    ``supports``, those in ``at_runtime`` are run when the output is started, not when it is built.
    ``unverified`` are layers whose checks need a running machine. With ``trim_payload``, files of
    the lock that no output names are not delivered. With ``has_base_image``, the output is an
    image.
    """

    name: str
    title: str
    summary: str
    folder: Traversable
    outputs: tuple[Output, ...]
    payload: str | None
    supports: frozenset[str]
    excludes: tuple[Exclusion, ...]
    checks: tuple[OutputCheck, ...]
    limits: tuple[Limit, ...] = ()
    at_runtime: frozenset[str] = frozenset()
    unverified: frozenset[str] = frozenset()
    trim_payload: bool = False
    has_base_image: bool = False

    def checks_of(self, plan: Plan) -> tuple[Check, ...]:
        """Return the checks that can be run when the output is built."""
        excluded = {layer for exclusion in self.excludes for layer in exclusion.layers}
        return tuple(
            check
            for step in plan.steps
            if isinstance(step, VerifyStep)
            for check in step.checks
            if check.layer not in excluded | self.unverified
        )

    def build_steps(self, plan: Plan) -> tuple[Step, ...]:
        """Return the supported steps that are run when the output is built.

        Raises:
            BackendError: As for ``steps``.

        """
        return tuple(step for step in self.steps(plan) if step.kind not in self.at_runtime)

    def steps(self, plan: Plan) -> tuple[Step, ...]:
        """Return the steps of a plan that this backend supports.

        Raises:
            BackendError: A step is neither supported nor excluded.

        """
        excluded = self._find_excluded(plan)
        for step in plan.steps:
            if step.kind not in self.supports and step.id not in excluded:
                raise BackendError(
                    f"target {self.name} neither supports nor excludes steps of kind `{step.kind}`"
                )
        return tuple(step for step in plan.steps if step.id not in excluded)

    def omissions(self, plan: Plan) -> tuple[Omission, ...]:
        """Return the items that are not included, with reasons."""
        found = self._find_excluded(plan)
        excluded = [
            Omission(step.title, exclusion.reason)
            for exclusion in self.excludes
            for step in sorted(plan.steps, key=lambda step: step.is_only_needed)
            if found.get(step.id) is exclusion
        ]
        for name in self._documents():
            excluded += list_document_omissions(name, plan)
        others = (o for o in plan.omissions if self.has_base_image or not o.is_base_image)
        return (*excluded, *others)

    def missing_library(self) -> str | None:
        """Return a module that an output needs and that is not installed."""
        missing = (find_missing_library(name) for name in self._documents())
        return next((name for name in missing if name is not None), None)

    def _documents(self) -> tuple[str, ...]:
        names = (output.document or output.values for output in self.outputs)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def _find_excluded(self, plan: Plan) -> dict[str, Exclusion]:
        """Return the exclusion of each excluded step, and of steps that only those need."""
        found: dict[str, Exclusion] = {}
        for step in reversed(plan.steps):
            exclusion = next((each for each in self.excludes if each.matches(step)), None)
            dependents = [other.id for other in plan.steps if step.id in other.needs]
            if step.is_only_needed and dependents and all(d in found for d in dependents):
                exclusion = found[dependents[0]]
            if exclusion is not None:
                found[step.id] = exclusion
        return found


def find_backends(names: Collection[str] | None = None) -> tuple[Backend, ...]:
    """Return all backends, built in and of other distributions, sorted by name.

    With ``names``, manifests of other built-in ones are not read: they are half of the time.

    Raises:
        BackendError: A manifest, a kind of step or a service is invalid, or two have one name.

    """
    try:
        find_step_kinds()
        find_services()
    except ExtensionError as error:
        raise BackendError(str(error)) from error
    backends: dict[str, tuple[str, Backend]] = {}
    installed = tuple(_read_installed())
    if names is not None:
        names = {*names, *(backend.name for _, backend in installed)}
    for source, backend in (*_read_builtin(names), *installed):
        if backend.name in backends:
            first = backends[backend.name][0]
            raise BackendError(f"duplicate target {backend.name}: in {first} and in {source}")
        backends[backend.name] = source, backend
    return tuple(backends[name][1] for name in sorted(backends))


def _read_builtin(names: Collection[str] | None) -> Iterator[tuple[str, Backend]]:
    """Yield the backends in the folders with these names, which are those of the backends."""
    for folder in sorted(files(_PACKAGE).iterdir(), key=lambda folder: folder.name):
        if names is not None and folder.name not in names:
            continue
        if folder.is_dir() and (folder / _MANIFEST).is_file():
            yield "rigspec", _read_backend(folder, "rigspec")


def _read_installed() -> Iterator[tuple[str, Backend]]:
    """Yield the backends of other distributions, from their entry points."""
    for point in list_entry_points(_GROUP):
        source = "another distribution"
        if point.dist is not None:
            source = f"{point.dist.name} {point.dist.version}"
        try:
            folder = files(point.value)
        except (ImportError, TypeError, ValueError) as error:
            raise BackendError(
                f"{source}: entry point {point.name}: cannot import package {point.value}: {error}"
            ) from error
        yield source, _read_backend(folder, source)


def _read_backend(folder: Traversable, source: str) -> Backend:
    file = f"{folder.name}/{_MANIFEST}"
    try:
        text = (folder / _MANIFEST).read_text(encoding="utf-8")
        manifest = read_manifest(file, text)
    except (OSError, UnicodeDecodeError) as error:
        raise BackendError(f"{source}: cannot read {file}: {error}") from error
    except ManifestError as error:
        raise BackendError(f"{source}: {error}") from error
    for output in manifest.outputs:
        if output.template and not find_template(folder, output.template).is_file():
            raise BackendError(f"{source}: {file}: no template {output.template}")
    return _build_backend(folder, manifest)


def find_template(folder: Traversable, name: str) -> Traversable:
    """Return a template of the backend in ``folder``, or one that several backends share."""
    owner = files(_PACKAGE) if name.startswith(_SHARED) else folder
    return owner.joinpath(*name.split("/"))


def _build_output(table: OutputTable) -> Output:
    return Output(
        path=table.path,
        template=table.template or "",
        mode=int(table.mode, 8),
        each=table.each,
        optional=table.optional,
        copies=table.copies,
        document=table.document,
        values=table.values,
        overflow_of=table.overflow_of,
    )


def _build_backend(folder: Traversable, manifest: Manifest) -> Backend:
    return Backend(
        name=manifest.name,
        title=manifest.title,
        summary=manifest.summary,
        folder=folder,
        outputs=tuple(_build_output(table) for table in manifest.outputs),
        payload=manifest.payload,
        supports=manifest.resolve_kinds(manifest.supports, manifest.supports_scopes),
        excludes=tuple(
            Exclusion(
                tuple(manifest.resolve_kinds(table.kinds, table.scopes)), table.layers, table.reason
            )
            for table in manifest.excludes
        ),
        checks=tuple(OutputCheck(table.path, table.command) for table in manifest.checks),
        limits=tuple(
            Limit(
                path=table.path,
                provider=table.provider,
                size=table.bytes,
                binary=table.binary,
                source=Source(table.source, table.url, table.read),
            )
            for table in manifest.limits
        ),
        at_runtime=frozenset(manifest.at_runtime),
        unverified=frozenset(manifest.unverified),
        trim_payload=manifest.trim_payload,
        has_base_image=manifest.base_image,
    )
