"""The data of the page "What runs": verdicts of the resolver for each GPU and release.

A class is a set of GPUs that the resolver treats alike. For each class and each build of a release,
the data has the drivers, systems and Pythons that propagation leaves. The page intersects them with
the answers of the form. A release that does not run on a class has the answer of ``rigspec can``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rigspec.cache.store import get_entry_path, load_entry, store_entry
from rigspec.diagnostics.model import Diagnostic, Source
from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Matrix, Product, Release
from rigspec.query.answer import (
    Answer,
    answer_question,
    find_environment,
    install_commands,
)
from rigspec.query.question import (
    ENVIRONMENT,
    MACHINE,
    QUESTION_FILE,
    Question,
    Requested,
    write_spec,
)
from rigspec.resolve.problem.builder import ProblemBuilder, load_required_matrix
from rigspec.resolve.problem.model import Candidate, Requirement
from rigspec.resolve.solver.propagation import Propagation, propagate
from rigspec.spec.loader import parse_spec
from rigspec.version_specifiers import build_of, get_version_key, strip_local_version
from website.gpu_pages import get_kind, list_cards, name_pages
from website.templates import get_address

__all__ = ["FRAMEWORKS", "build_data", "get_series"]

# The packages that the page asks about.
FRAMEWORKS = ("torch", "tensorflow", "onnxruntime-gpu")
# The newest series of each framework; older ones are left to `rigspec can`.
_SERIES = 24
# A build for CPUs answers no question about a GPU.
_CPU = "cpu"


def get_series(version: str) -> str:
    """Return the series of a version, as a question names it: 2.4 of 2.4.1+cu124."""
    return ".".join(strip_local_version(version).split(".")[:2])


def build_data() -> str:
    """Return the data of the page as JSON."""
    file = get_entry_path("site", Path(__file__).read_bytes())
    stored = load_entry(file) if file is not None else None
    if stored is not None:
        return stored
    data = json.dumps(_Data(load_matrix()).build(), separators=(",", ":"), ensure_ascii=False)
    if file is not None:
        store_entry(file, data)
    return data


@dataclass
class _Pool:
    """Values that are written once and referred to by number."""

    values: dict[str, int] = field(default_factory=dict)

    def number(self, value: object) -> int:
        return self.values.setdefault(json.dumps(value, ensure_ascii=False), len(self.values))

    def list(self) -> list[Any]:
        return [json.loads(value) for value in self.values]


@dataclass(frozen=True)
class _Build:
    """A build of a release with the versions of each dimension that it runs with on a class."""

    release: Release
    allowed: dict[str, tuple[str, ...]]

    def adds_nothing_to(self, other: _Build) -> bool:
        """Return whether a preferred build with the same CUDA runs wherever this one does."""
        return self.release.get("cuda") == other.release.get("cuda") and all(
            set(values) <= set(other.allowed[dimension])
            for dimension, values in self.allowed.items()
        )


class _Class:
    """GPUs that the resolver treats alike; the first of them represents the others."""

    def __init__(self, card: Release) -> None:
        self.name = card.label
        propagation = self._propagate(Question(gpu=card.label))
        self.drivers = _list_allowed(propagation, "driver") if propagation is not None else ()

    def list_builds(self, product: Product, name: str) -> dict[str, list[_Build]]:
        """Return the builds of each series that run on the class, the preferred first."""
        question = Question(gpu=self.name, requests=(Requested(name),))
        spec = parse_spec(QUESTION_FILE, write_spec(question))
        builder = ProblemBuilder(spec.rig, MACHINE, load_required_matrix(spec.rig, MACHINE))
        key = f"{ENVIRONMENT}/{product.name}"
        others = tuple(r for r in builder.requirements if r.component != key)
        found: dict[str, list[_Build]] = {}
        offered = set(_list_series(product))
        for candidate in builder.universes[key].candidates:
            series = get_series(candidate.version)
            if series not in offered or build_of(candidate.version) == _CPU:
                continue
            request = f"{candidate.family or ''} =={candidate.version}".strip()
            left = propagate(builder, (*others, Requirement(key, (request,), None, "")))
            if left is None:
                continue
            build = _Build(
                _find_release(product, candidate),
                {d: _list_allowed(left, c) for d, c in _COMPONENTS.items()},
            )
            if not any(build.adds_nothing_to(each) for each in found.get(series, ())):
                found.setdefault(series, []).append(build)
        return found

    @staticmethod
    def _propagate(question: Question) -> Propagation | None:
        spec = parse_spec(QUESTION_FILE, write_spec(question))
        builder = ProblemBuilder(spec.rig, MACHINE, load_required_matrix(spec.rig, MACHINE))
        return propagate(builder, builder.requirements)


# The dimensions of the form, as the resolver names them.
_COMPONENTS = {"driver": "driver", "os": "os", "python": f"{ENVIRONMENT}/python"}


def _find_release(product: Product, candidate: Candidate) -> Release:
    found = (r for r in product.releases if r.version == candidate.version)
    return next(release for release in found if release.family == candidate.family)


def _list_allowed(propagation: Propagation, component: str) -> tuple[str, ...]:
    """Return the versions that remain of a component, as the form offers them."""
    remaining = propagation.remaining(component)
    if component == "driver":
        names = (c.version.partition(".")[0] for c in remaining if c.version[:1].isdigit())
    elif component == "os":
        names = (f"{c.family} {c.version}" for c in remaining)
    else:
        names = (get_series(c.version) for c in remaining)
    return tuple(dict.fromkeys(names))


class _Data:
    """Collects the data of the page."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._sets, self._reasons, self._entries = _Pool(), _Pool(), _Pool()
        self._current: list[Release] = []
        self._commands: dict[tuple[str, str, str], str] = {}
        self._limits: dict[tuple[object, ...], int] = {}
        self._options = {
            "driver": _list_branches(matrix.product("driver")),
            "os": _list_systems(matrix.product("os")),
            "python": _list_pythons(matrix.product("python")),
        }

    def build(self) -> dict[str, Any]:
        slugs = name_pages(list_cards(self._matrix))
        # Those of machines that are not x86_64 are left to `rigspec can`.
        cards = [card for card in slugs if card.get("arch") is None]
        implied: dict[tuple[object, ...], int] = {}
        classes: list[_Class] = []
        rows = []
        for card in cards:
            if get_kind(card) not in implied:
                implied[get_kind(card)] = len(classes)
                classes.append(_Class(card))
            rows.append([card.label, implied[get_kind(card)], slugs[card]])
        products = {name: self._product(name) for name in FRAMEWORKS}
        return {
            "as_of": self._matrix.as_of.isoformat(),
            "gpus": rows,
            "frameworks": {
                name: {"title": product.title, "series": _list_series(product)}
                for name, product in products.items()
            },
            "options": self._options,
            "classes": [self._class(each, products) for each in classes],
            "entries": self._entries.list(),
            "sets": self._sets.list(),
            "reasons": self._reasons.list(),
        }

    def _product(self, name: str) -> Product:
        return self._matrix.product(Requested(name).framework or name)

    def _class(self, each: _Class, products: dict[str, Product]) -> dict[str, Any]:
        return {
            "drivers": self._number("driver", each.drivers),
            "limits": self._limits_of(each, Question(gpu=each.name), {"driver": each.drivers}),
            "frameworks": {
                name: self._framework(each, name, product) for name, product in products.items()
            },
        }

    def _framework(self, each: _Class, name: str, product: Product) -> dict[str, Any]:
        builds = each.list_builds(product, name)
        return {
            series: self._entries.number(
                self._series(each, Requested(name, series), builds.get(series, []))
            )
            for series in _list_series(product)
        }

    def _series(self, each: _Class, request: Requested, builds: Sequence[_Build]) -> dict[str, Any]:
        question = Question(gpu=each.name, requests=(request,))
        if not builds:
            return {"no": self._reason(answer_question(question), each)}
        self._current = [build.release for build in builds]
        allowed = {
            dimension: tuple(dict.fromkeys(v for b in builds for v in b.allowed[dimension]))
            for dimension in _COMPONENTS
        }
        return {
            "builds": [self._build(each, request.name, build) for build in builds],
            "limits": self._limits_of(each, question, allowed),
        }

    def _build(self, each: _Class, name: str, build: _Build) -> list[Any]:
        """Return the version, CUDA and command of a build, and its sets of versions."""
        release = build.release
        sets = [self._number(dimension, build.allowed[dimension]) for dimension in _COMPONENTS]
        version = strip_local_version(release.version)
        return [version, release.get("cuda") or "", self._command(each, name, release), *sets]

    def _number(self, dimension: str, allowed: Sequence[str]) -> int:
        """Return the number of a set of options."""
        return self._sets.number([o for o in self._options[dimension] if o in allowed])

    def _command(self, each: _Class, name: str, release: Release) -> str:
        """Return the command that installs a build. An extra of it may depend on the GPU."""
        package = release.family or name
        has_extras = bool(self._product(name).extras)
        key = (package, release.version, each.name if has_extras else "")
        if key not in self._commands:
            request = Requested(package, f"=={release.version}")
            resolution = answer_question(Question(gpu=each.name, requests=(request,))).resolution
            env = find_environment(resolution) if resolution is not None else None
            commands = install_commands(env) if env is not None else ()
            self._commands[key] = next(iter(commands), "")
        return self._commands[key]

    def _limits_of(
        self, each: _Class, question: Question, allowed: Mapping[str, tuple[str, ...]]
    ) -> dict[str, list[int]]:
        """Return the reasons why versions next to the allowed ones do not run."""
        return {
            dimension: [
                self._limit(each, question, dimension, side, value)
                for side, value in self._find_neighbors(each, question, dimension, values)
            ]
            for dimension, values in allowed.items()
        }

    def _find_neighbors(
        self, each: _Class, question: Question, dimension: str, allowed: Sequence[str]
    ) -> Iterator[tuple[str, str]]:
        """Yield the newest version below and the oldest above the allowed ones.

        Those that the GPU alone excludes are left out. Of systems, one family is enough.
        """
        options = self._options[dimension]
        if dimension == "os":
            options = [option for option in options if option.startswith("ubuntu ")]
        places = [number for number, option in enumerate(options) if option in allowed]
        edges = {"below": places[0] - 1, "above": places[-1] + 1} if places else {"below": -1}
        for side, edge in edges.items():
            if not -(not places) <= edge < len(options):
                continue
            if dimension == "driver" and question.requests and options[edge] not in each.drivers:
                continue
            yield side, options[edge]

    def _limit(
        self, each: _Class, question: Question, dimension: str, side: str, value: str
    ) -> int:
        builds = tuple(b.label for b in self._current)
        key = (question.requests, each.name if not question.requests else builds, dimension, value)
        if key not in self._limits:
            limited = replace(question, **{dimension: value})  # type: ignore[arg-type]
            answer = answer_question(limited)
            self._limits[key] = self._reason(answer, each, dimension, side, value)
        return self._limits[key]

    def _reason(
        self, answer: Answer, each: _Class, dimension: str = "", side: str = "", value: str = ""
    ) -> int:
        """Return the number of the errors of an answer, for every GPU of the class."""
        title = _TITLES.get(dimension, "").format(value)
        errors = [_convert(error, each.name, title, dimension) for error in answer.errors]
        return self._reasons.number([dimension, side, errors])


# How messages name a version of each dimension.
_TITLES = {"driver": "NVIDIA driver {}", "os": "{}", "python": "Python {}"}


def _convert(error: Diagnostic, card: str, title: str, dimension: str) -> dict[str, Any]:
    """Return an error with placeholders for the GPU and the version of the dimension."""

    def generalize(text: str) -> str:
        text = text.replace(card, "{gpu}")
        return text.replace(title, _TITLES[dimension].format("{value}")) if title else text

    facts = [
        [fact.statement.replace(card, "{gpu}"), *_cite(fact.sources)]
        for fact in error.facts
        # A fact about one system is no fact about the older ones.
        if not (dimension == "os" and title in fact.statement)
    ]
    return {
        "code": error.code,
        "message": generalize(error.message),
        "because": facts[:2],
        "run_time": list(error.runtime_error[:1]),
    }


def _cite(sources: Sequence[Source]) -> list[str]:
    return [get_address(sources[0].url), sources[0].read.isoformat()] if sources else ["", ""]


def _list_series(product: Product) -> list[str]:
    found = dict.fromkeys(get_series(release.version) for release in product.releases)
    return sorted(found, key=get_version_key, reverse=True)[:_SERIES]


def _list_branches(product: Product) -> list[str]:
    found = dict.fromkeys(r.version.partition(".")[0] for r in product.releases)
    return sorted(found, key=get_version_key)


def _list_pythons(product: Product) -> list[str]:
    found = dict.fromkeys(get_series(release.version) for release in product.releases)
    return sorted(found, key=get_version_key)


def _list_systems(product: Product) -> list[str]:
    """Return the systems that the resolver chooses without a request, by family."""
    releases = [r for r in product.releases if r.get("selection") is None]
    return [release.label for release in releases]
