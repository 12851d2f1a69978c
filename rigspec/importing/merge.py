"""One rig from the statements of several files."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from rigspec.importing.markers import admits_series, applies_on_linux
from rigspec.importing.model import Reading, SkippedPart, Statement, Subject, omit
from rigspec.matrix.loader import find_package_owner, load_matrix
from rigspec.version_specifiers import InvalidRequest, parse_specifier

__all__ = ["Clash", "Merged", "drop_replaced", "merge", "split_packages"]

_SINGLE = (
    *(Subject.OS, Subject.ARCH, Subject.DRIVER, Subject.BASE_IMAGE, Subject.MANAGER),
    *(Subject.AS_OF, Subject.KIND),
)
_EXACT = re.compile(
    r"={0,3}\s*v?([0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc|\.post|\.dev)[0-9]+)*)(?:\+([\w.]+))?"
)
_LOCAL = re.compile(r"\+[\w.]+")
_SERIES = re.compile(r"==\d+\.\d+\.\*")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


# The package of conda's channels with the builds that a package of the toolkit selects.
_CONDA_TORCH = ("pytorch", "pytorch-gpu")


@dataclass(frozen=True)
class Clash:
    """Two requests of one package that no version satisfies; the rig has the first."""

    first: Statement
    other: Statement

    @property
    def omission(self) -> SkippedPart:
        """Return the other request as a part that the rig does not have."""
        first, other = self.first, self.other
        reason = f"{first.name} is {first.value} in {first.span.file}:{first.span.line}"
        text = f"{other.name} {other.value}"
        return SkippedPart(text, reason, other.span.file, other.span.line)


@dataclass(frozen=True)
class Merged:
    """The statements of a rig: one for each key; packages by their normalized names.

    ``indexes`` has a statement for each package of an index, by the name of the index.
    """

    single: dict[Subject, Statement]
    gpus: tuple[tuple[Statement, int], ...]
    channels: tuple[Statement, ...]
    system_packages: tuple[Statement, ...]
    packages: dict[str, Statement]
    omissions: tuple[SkippedPart, ...]
    clashes: tuple[Clash, ...] = ()
    indexes: dict[str, tuple[Statement, ...]] = field(default_factory=dict)


def merge(statements: Iterable[Statement]) -> Merged:
    """Merge statements in the order of the files.

    Version requests of one package or Python are joined. Of other subjects the first statement
    counts, and one that differs is an omission.
    """
    merger = _Merger(tuple(statements))
    return merger.run()


def drop_replaced(reading: Reading) -> Reading:
    """Return the reading of one file without versions that a later line replaces by another."""
    last = {_key(s): s for s in reading.statements if _is_replaceable(s)}
    statements, omissions = [], list(reading.omissions)
    for statement in reading.statements:
        by = last.get(_key(statement))
        if by is None or not _is_replaceable(statement) or statement.value == by.value:
            statements.append(statement)
            continue
        reason = f"line {by.span.line} replaces it"
        text = f"{statement.name or statement.subject.value} {statement.value}"
        omissions.append(omit(text, reason, statement.span))
    return replace(reading, statements=tuple(statements), omissions=tuple(omissions))


def _key(statement: Statement) -> tuple[Subject, str]:
    return statement.subject, statement.name.lower()


def _is_replaceable(statement: Statement) -> bool:
    if statement.subject is Subject.PYTHON:
        return True
    value = statement.value
    is_package = statement.subject is Subject.PACKAGE
    return is_package and value.startswith("==") and not {"*", ","} & {*value}


def split_packages(merged: Merged) -> tuple[list[Statement], list[Statement]]:
    """Return the frameworks, one package of each product of the matrix, and all others."""
    products: set[str] = set()
    frameworks: list[Statement] = []
    others: list[Statement] = []
    for statement in merged.packages.values():
        # The resolver takes a framework for pip's, and other packages for conda's.
        owner = find_package_owner(statement.name) if not statement.is_conda else None
        is_framework = owner is not None and owner[0] not in products
        if owner is not None:
            products.add(owner[0])
        (frameworks if is_framework else others).append(statement)
    return frameworks, others


class _Merger:
    def __init__(self, statements: tuple[Statement, ...]) -> None:
        self._statements = _select_conda_builds(statements)
        self._omissions: list[SkippedPart] = []
        self._clashes: list[Clash] = []

    def run(self) -> Merged:
        single = {s: first for s in _SINGLE if (first := self._first(s)) is not None}
        python = self._join(self._agreeing_pythons())
        if python is not None:
            single[Subject.PYTHON] = python
        for subject in (Subject.CUDA, Subject.CUDNN):
            first = self._first(subject)
            if first is not None and Subject.BASE_IMAGE in single:
                self._omit(first, f"the base image has its own {subject.value}")
            elif first is not None:
                single[subject] = first
        packages = self._packages(python.value if python is not None else None)
        indexes = self._indexes(packages)
        return Merged(
            single,
            tuple(self._gpus()),
            _unique(self._of(Subject.CHANNEL)),
            _unique(self._of(Subject.SYSTEM_PACKAGE)),
            packages,
            tuple(self._omissions),
            tuple(self._clashes),
            indexes,
        )

    def _of(self, subject: Subject) -> list[Statement]:
        return [s for s in self._statements if s.subject is subject]

    def _first(self, subject: Subject) -> Statement | None:
        found = self._of(subject)
        for other in found[1:]:
            if other.value != found[0].value:
                place = f"{found[0].span.file}:{found[0].span.line}"
                self._omit(other, f"{subject.value} is {found[0].value} in {place}")
        return found[0] if found else None

    def _agreeing_pythons(self) -> list[Statement]:
        """Return the requests of Python without those that contradict the first series."""
        group = [replace(s, name=Subject.PYTHON.value) for s in self._of(Subject.PYTHON)]
        exact = next((s for s in group if _SERIES.fullmatch(s.value)), None)
        if exact is None:
            return group
        agreeing = []
        for statement in group:
            if admits_series(statement.value, exact.value[2:-2]):
                agreeing.append(statement)
            else:
                self._clashes.append(Clash(exact, statement))
        return agreeing

    def _gpus(self) -> Iterator[tuple[Statement, int]]:
        """Yield each kind of card with its number; a second file repeats the same cards."""
        cards = self._of(Subject.GPU)
        first = cards[0].span.file if cards else None
        for card in cards:
            if card.span.file != first and card.value not in {
                c.value for c in cards if c.span.file == first
            }:
                self._omit(card, f"the GPUs are those of {first}")
        own = [card for card in cards if card.span.file == first]
        for value in dict.fromkeys(card.value for card in own):
            alike = [card for card in own if card.value == value]
            yield alike[0], len(alike)

    def _indexes(self, packages: Container[str]) -> dict[str, tuple[Statement, ...]]:
        """Return the indexes of the packages that the rig has, each with one address."""
        found: dict[str, list[Statement]] = {}
        seen: set[str] = set()
        for statement in self._of(Subject.INDEX):
            own, name = found.setdefault(statement.index, []), _normalize(statement.name)
            if own and own[0].value != statement.value:
                self._omit(statement, f"the index {statement.index} is {own[0].value}")
            elif name in packages and name not in seen:
                seen.add(name)
                own.append(statement)
        return {name: tuple(own) for name, own in found.items() if own}

    def _packages(self, python: str | None) -> dict[str, Statement]:
        by_name: dict[str, list[Statement]] = {}
        is_conda = any(s.value == "conda" for s in self._of(Subject.MANAGER))
        for statement in self._of(Subject.PACKAGE):
            if statement.commit and (is_conda or find_package_owner(statement.name) is not None):
                what = "a package of a conda environment" if is_conda else "a framework"
                self._omit(statement, f"{what} cannot come from a repository")
            elif self._applies(statement, python) and self._is_valid(statement):
                by_name.setdefault(_normalize(statement.name), []).append(statement)
        for constraint in self._of(Subject.CONSTRAINT):
            group = by_name.get(_normalize(constraint.name))
            if group is not None and self._applies(constraint, python):
                group.append(constraint)
        joined = {name: self._join(self._agreeing(group)) for name, group in by_name.items()}
        return {name: self._select_build(s) for name, s in joined.items() if s is not None}

    def _agreeing(self, group: list[Statement]) -> list[Statement]:
        """Return the requests without those that contradict an exact version before them.

        A commit is exact; no version is known to fit it.
        """
        commit = next((s for s in group if s.commit), None)
        if commit is not None:
            others = [s for s in group if not s.commit and s.value != "*"]
            self._clashes += [Clash(commit, other) for other in others]
            return [commit]
        exact = next((s for s in group if _exact_version(s) is not None), None)
        if exact is None:
            return group
        agreeing = []
        for statement in group:
            if _admits(statement, exact):
                agreeing.append(statement)
            else:
                self._clashes.append(Clash(exact, statement))
        return agreeing

    def _applies(self, statement: Statement, python: str | None) -> bool:
        if statement.marker is None:
            return True
        applies = applies_on_linux(statement.marker, python)
        if applies is None:
            self._omit(statement, f"the marker `{statement.marker}` may be true or false")
        elif not applies and "python" in statement.marker and python is None:
            self._omit(statement, f"the marker `{statement.marker}` is false on current Pythons")
        return applies is True

    def _is_valid(self, statement: Statement) -> bool:
        try:
            parse_specifier(statement.value)
        except InvalidRequest:
            self._omit(statement, f"the version `{statement.value}` cannot be read")
            return False
        if _NAME.fullmatch(statement.name) is None:
            self._omit(statement, "not the name of a package")
            return False
        return True

    def _select_build(self, statement: Statement) -> Statement:
        """Drop the build of a package that has no builds, else its extras."""
        owner = find_package_owner(statement.name)
        if statement.build is None or owner is None:
            return replace(statement, build=None)
        if not load_matrix([owner[0]]).product(owner[0]).has_builds:
            return replace(statement, build=None)
        if statement.extras:
            self._omit(statement, f"only the extras: {', '.join(statement.extras)}")
        return replace(statement, extras=())

    def _join(self, group: list[Statement]) -> Statement | None:
        """Join the version requests; the first one that names a version has the position."""
        if not group:
            return None
        named = [s for s in group if s.value != "*"] or group[:1]
        values = list(dict.fromkeys(s.value for s in named))
        build = next((s.build for s in group if s.build is not None), None)
        joined = replace(
            named[0], build=build, extras=tuple(sorted({e for s in group for e in s.extras}))
        )
        if len(values) == 1:
            return joined
        return replace(joined, value=",".join(map(_with_operator, values)))

    def _omit(self, statement: Statement, reason: str) -> None:
        text = f"{statement.name} {statement.value}".strip()
        self._omissions.append(SkippedPart(text, reason, statement.span.file, statement.span.line))


def _select_conda_builds(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Return packages of the toolkit as packages where they select the build of conda's PyTorch."""
    if not any(s.is_conda and s.name in _CONDA_TORCH for s in statements):
        return statements
    return tuple(
        replace(s, subject=Subject.PACKAGE)
        if s.is_conda and s.subject in (Subject.CUDA, Subject.CUDNN)
        else s
        for s in statements
    )


def _exact_version(statement: Statement) -> tuple[Version, str | None] | None:
    """Return the release and the build of a request for exactly one release."""
    match = _EXACT.fullmatch(statement.value)
    return (Version(match[1]), match[2] or statement.build) if match is not None else None


def _admits(statement: Statement, exact: Statement) -> bool:
    """Return whether a request admits the release that another one pins."""
    pinned, own = _exact_version(exact), _exact_version(statement)
    if pinned is None or statement.value == "*":
        return True
    if own is not None and None not in (own[1], pinned[1]) and own[1] != pinned[1]:
        return False
    try:
        specifiers = SpecifierSet(_LOCAL.sub("", _with_operator(statement.value)))
    except InvalidSpecifier:
        return True
    return specifiers.contains(pinned[0], prereleases=True)


def _with_operator(value: str) -> str:
    return f"=={value}" if value[:1].isdigit() else value


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _unique(statements: list[Statement]) -> tuple[Statement, ...]:
    by_value: dict[str, Statement] = {}
    for statement in statements:
        by_value.setdefault(statement.value, statement)
    return tuple(by_value.values())
