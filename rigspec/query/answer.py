"""Answer a question with the resolver of ``rigspec check``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rigspec.check import check_machine
from rigspec.diagnostics.model import Diagnostic, Edit, Report, Severity
from rigspec.query.question import (
    ENVIRONMENT,
    MACHINE,
    QUESTION_FILE,
    Question,
    Requested,
    write_spec,
)
from rigspec.resolution import EnvResolution, Resolution, is_page_of_links
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec, parse_spec

__all__ = [
    "Answer",
    "SuggestedChange",
    "answer_question",
    "apply_edits",
    "find_environment",
    "install_commands",
    "install_libraries",
]


@dataclass(frozen=True)
class SuggestedChange:
    """Edits that make the answer a yes, and what they resolve to."""

    edits: tuple[Edit, ...]
    resolution: Resolution


@dataclass(frozen=True)
class Answer:
    """Yes with a resolution, or no with the errors and what works instead, the nearest first.

    ``is_invalid`` means that the question names something unknown.
    """

    question: Question
    spec: str
    resolution: Resolution | None
    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    unchecked: tuple[Diagnostic, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    alternatives: tuple[SuggestedChange, ...] = ()
    is_invalid: bool = False

    @property
    def is_yes(self) -> bool:
        """Return whether the rig of the question resolves."""
        return self.resolution is not None and not self.errors

    @property
    def unlisted(self) -> frozenset[str]:
        """Return the packages that no package index has."""
        notes = (note for note in self.notes if note.code == _UNLISTED)
        return frozenset(name for note in notes for name in note.components)

    @property
    def verdict(self) -> str:
        """Return ``yes``, ``no``, or ``error`` for a question that names something unknown."""
        if self.is_yes:
            return "yes"
        return "error" if self.is_invalid else "no"


def answer_question(question: Question) -> Answer:
    """Resolve the question. Raises InvalidSpec if its values are not in the language."""
    text = write_spec(question)
    report = _check(parse_spec(QUESTION_FILE, text))
    errors = tuple(_of_severity(report, Severity.ERROR))
    return Answer(
        question,
        text,
        report.resolution,
        errors,
        tuple(_of_severity(report, Severity.WARNING)),
        tuple(
            d
            for d in report.diagnostics
            if d.code in _UNCHECKED and d.severity is not Severity.ERROR
        ),
        tuple(d for d in report.diagnostics if d.code in _INSTALLATION),
        tuple(_alternatives(errors)),
        report.status == "invalid",
    )


# Notes that say what the matrix knows nothing about.
_UNCHECKED = ("RS251", "RS252", "RS253")
# Notes about how pip installs a package, and about packages that it cannot install.
_UNLISTED = "RS258"
_INSTALLATION = ("RS256", _UNLISTED)


def install_commands(env: EnvResolution) -> tuple[str, ...]:
    """Return the commands of pip that install the frameworks of an environment, one an index."""
    builds = {build.framework: build for build in env.builds}
    plain = [
        f"{package.name}=={package.version}"
        for framework, package in zip(env.frameworks, env.distributions, strict=True)
        if framework.name not in builds
    ]
    commands = [f"pip install {' '.join(plain)}"] if plain else []
    for index in dict.fromkeys(build.index for build in env.builds):
        requirements = [build.requirement for build in env.builds if build.index == index]
        option = "--find-links" if is_page_of_links(index) else "--index-url"
        commands.append(f"pip install {' '.join(requirements)} {option} {index}")
    return tuple(commands)


def install_libraries(requests: Sequence[Requested]) -> tuple[str, ...]:
    """Return the command of pip that installs the packages that are not frameworks."""
    names = [
        f"{request.name}{_with_operator(request.version)}"
        for request in requests
        if request.framework is None
    ]
    return (f"pip install {' '.join(names)}",) if names else ()


def apply_edits(requests: Sequence[Requested], edits: Sequence[Edit]) -> tuple[Requested, ...]:
    """Return the requests with the versions of the edits, and without those that they remove."""
    changed = {edit.key.rsplit(".", 1)[-1]: edit.after for edit in edits}
    return tuple(
        replace(request, version=changed.get(request.name, request.version))
        for request in requests
        if changed.get(request.name, "") is not None
    )


def _with_operator(version: str | None) -> str:
    if version is None or not version[:1].isdigit():
        return version or ""
    return f"=={version}" if version.count(".") > 1 else f"=={version}.*"


def _check(spec: LoadedSpec) -> Report:
    return check_machine(spec, MACHINE, load_required_matrix(spec.rig, MACHINE), installable=False)


def _of_severity(report: Report, severity: Severity) -> Iterator[Diagnostic]:
    return (d for d in report.diagnostics if d.severity is severity)


def _alternatives(errors: Sequence[Diagnostic]) -> Iterator[SuggestedChange]:
    """Yield the repairs that resolve; those that leave the GPU as it is come first."""
    repairs = [repair for error in errors for repair in error.repairs]
    ordered = sorted(repairs, key=lambda repair: any("gpus" in e.key for e in repair.edits))
    for repair in ordered:
        if repair.resolution is not None:
            yield SuggestedChange(repair.edits, repair.resolution)


def find_environment(resolution: Resolution) -> EnvResolution | None:
    """Return the environment of the question, if it has requirements."""
    return next((env for env in resolution.envs if env.name == ENVIRONMENT), None)
