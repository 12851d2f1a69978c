"""Remarks on a locked environment: dependencies without GPU code, and packages that are older."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lock.python.found_frameworks import FoundFramework
from rigspec.lock.python.framework_rules import FrameworkRules, PackageRule
from rigspec.matrix.model import Product
from rigspec.resolve.problem.model import Candidate, matches_any

__all__ = [
    "describe_package_rules",
    "explain_older_release",
    "is_cpu_only",
    "report_cpu_dependency",
    "suggest_as_of",
    "suggest_build",
]

# A resolver without the matrix does not take these either: no file of the release fits.
_INSTALLABILITY = frozenset({"python", "pip", "glibc", "arch", "as_of"})
# Dependencies that are newer by this much may have dropped what old packages use.
_YEARS_APART = dt.timedelta(days=3 * 365)
# How many newer releases are examined.
_EXAMINED = 4


def is_cpu_only(product: Product, framework: FoundFramework, pins: Collection[str]) -> bool:
    """Return whether a framework gets its GPU code from an extra that the pins lack."""
    release = Candidate(None, framework.version)
    extras = [e.name for e in product.extras if matches_any((e.versions,), release)]
    # Plugins have the name of the extra (jax-cuda13-plugin); TensorFlow loads NVIDIA's libraries.
    plugins = tuple(f"{product.name}-{name}" for name in extras if name.startswith("cuda"))
    return bool(extras) and not any(pin.startswith(plugins or ("nvidia-cudnn",)) for pin in pins)


def report_cpu_dependency(framework: FoundFramework) -> Diagnostic:
    """Return the warning for a dependency that has no GPU code."""
    package, version = framework.package, framework.version
    return Diagnostic(
        code="RS219",
        severity=Severity.WARNING,
        message=f"{package} {version} in `{framework.env}`, a dependency, runs on the CPU because "
        "no package requests its CUDA libraries",
        help=(f'add `{framework.product} = "*"` to `frameworks` of `{framework.env}`',),
    )


def explain_older_release(
    rules: FrameworkRules, framework: FoundFramework, requested: str, admitted: str
) -> Diagnostic | None:
    """Return a note if a framework is older than its request allows because of the matrix.

    ``requested`` are the specifiers of the spec, ``admitted`` those of the releases that fit.
    """
    version = Version(framework.version)
    ends = [Version(s.version) for s in SpecifierSet(admitted) if s.operator in ("<=", "==")]
    if version not in ends:
        return None
    allowed = SpecifierSet(requested)
    known = {Version(text) for text in rules.releases(framework.package)}
    newer = sorted((v for v in known if v > version and v in allowed), reverse=True)
    for release in newer[:_EXAMINED]:
        conflict = rules.find_exclusion(framework, str(release))
        rule = conflict.rule if conflict is not None else None
        if (
            conflict is not None
            and rule is not None
            and rule.requires.component not in _INSTALLABILITY
        ):
            note = _report_older(
                f"{framework.package} {version} in `{framework.env}` is older than {release} "
                f"because {conflict.reason}",
                rule.code,
            )
            build = rules.find_build_elsewhere(replace(framework, version=str(release)))
            if framework.path is not None or build is None:
                return note
            return replace(note, help=(*note.help, suggest_build(framework, build)))
    return None


def suggest_build(framework: FoundFramework, build: str) -> str:
    """Return how to request a build that fits, of a framework that a package requires."""
    return (
        f'request the build that fits: set `{framework.product}` to "{build}" in '
        f"`[env.{framework.env}.frameworks]`"
    )


def describe_package_rules(
    env: str, rules: Sequence[PackageRule], locked: Mapping[str, Version]
) -> Iterator[Diagnostic]:
    """Yield a note for each package that a rule of the matrix bounds: a resolver took another."""
    for rule in rules:
        name = Requirement(rule.requirement).name
        if name in locked:
            message = f"{name} {locked[name]} in `{env}` is older than the newest release because "
            yield _report_older(message + rule.statement, rule.code)


def suggest_as_of(
    env: str,
    requested: Collection[str],
    uploads: Mapping[str, dt.date],
    versions: Mapping[str, str],
) -> Iterator[Diagnostic]:
    """Yield a note if dependencies are years newer than every package of the spec.

    Args:
        env: the environment.
        requested: the packages of the spec, each at an exact release or series.
        uploads: the upload days of the locked packages, as far as they are known.
        versions: the locked versions.
    """
    own = {name: uploads[name] for name in requested if name in uploads}
    free = {name: day for name, day in uploads.items() if name not in requested}
    if not own or not free:
        return
    last, newest = max(own, key=own.__getitem__), max(free, key=free.__getitem__)
    if free[newest] - own[last] < _YEARS_APART:
        return
    yield Diagnostic(
        code="RS234",
        severity=Severity.NOTE,
        message=f"{newest} {versions[newest]} of {free[newest]:%Y} in `{env}`, a dependency, may "
        f"not work with the packages of the spec, of which {last} {versions[last]} of "
        f"{own[last]:%Y} is the newest",
        help=(f"set `as_of = {own[last].isoformat()}` in `[env.{env}]` to lock what existed then",),
    )


def _report_older(message: str, code: str) -> Diagnostic:
    return Diagnostic(code, Severity.NOTE, message)
