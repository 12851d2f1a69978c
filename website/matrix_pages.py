"""Pages of the matrix: each GPU, driver branch, CUDA release and framework, with its sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rigspec.diagnostics.model import Source
from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Matrix, Product, Release, Rule
from rigspec.version_specifiers import get_version_key, parse_alternative
from website import gpu_pages
from website.facts import Fact, find_name, is_about, list_facts, phrase_rule
from website.templates import make_slug, render

__all__ = ["build_pages"]

_OWN_PAGES = ("cuda", "driver", "gpu")
_KINDS = ("framework", "package")


@dataclass(frozen=True)
class _Entry:
    """A release with its facts, as a section of a page or a row of a table."""

    label: str
    facts: tuple[Fact, ...]
    sources: tuple[Source, ...]

    def get(self, name: str) -> str:
        """Return the values of a fact, or a dash."""
        return "; ".join(fact.value for fact in self.facts if fact.name == name) or "\N{EN DASH}"


def build_pages() -> Iterator[tuple[str, str]]:
    """Yield the path and the Markdown of each page."""
    matrix = load_matrix()
    yield from gpu_pages.build_pages(matrix)
    yield from _build_series(matrix, "driver", _get_branch)
    yield from _build_series(matrix, "cuda", _get_series)
    others = [p for p in matrix.products if p.name not in _OWN_PAGES and (p.releases or p.rules)]
    for product in others:
        yield f"matrix/{_get_folder(product)}/{find_name(product)}.md", _build_product(product)
    listed = {
        "frameworks": [p for p in others if p.kind == "framework"],
        "packages": [p for p in others if p.kind == "package"],
        "other": [p for p in others if p.kind not in _KINDS],
    }
    for name, products in listed.items():
        rows = [(p, f"{_get_folder(p)}/{find_name(p)}.md") for p in products]
        yield f"matrix/{name}.md", render(f"{name}.md.j2", rows=rows)
    counts = {name: len(matrix.product(name).releases) for name in _OWN_PAGES}
    rules = sum(len(product.rules) for product in matrix.products)
    yield "matrix/README.md", render("matrix.md.j2", counts=counts, rules=rules, as_of=matrix.as_of)


def _get_folder(product: Product) -> str:
    return product.kind if product.kind in _KINDS else "product"


def _get_branch(release: Release) -> str:
    return release.get("branch") or release.version.partition(".")[0]


def _get_series(release: Release) -> str:
    return ".".join(release.version.split(".")[:2])


def _build_series(
    matrix: Matrix, name: str, series_of: Callable[[Release], str]
) -> Iterator[tuple[str, str]]:
    """Yield the page of each series of a product, and their index."""
    product = matrix.product(name)
    series: dict[str, list[Release]] = {}
    for release in product.releases:
        series.setdefault(series_of(release), []).append(release)
    ordered = sorted(series, key=get_version_key, reverse=True)
    requirements = _Requirements(matrix, name)
    for number, label in enumerate(ordered):
        older = series[ordered[number + 1]] if number + 1 < len(ordered) else []
        yield (
            f"matrix/{name}/{make_slug(label)}.md",
            render(
                "series.md.j2",
                title=product.title,
                name=name,
                label=label,
                entries=_list_entries(series[label]),
                rules=list(_phrase(_rules_about(matrix, name, series[label]))),
                first_met=list(_phrase(requirements.first_met(series[label], older))),
            ),
        )
    rows = [(label, make_slug(label), series[label]) for label in ordered]
    yield f"matrix/{name}/README.md", render("series_index.md.j2", product=product, rows=rows)


def _rules_about(matrix: Matrix, name: str, releases: list[Release]) -> Iterator[Rule]:
    components = (name, "cuda_runtime") if name == "cuda" else (name,)
    return (rule for rule in matrix.rules() if is_about(rule, components, releases))


class _Requirements:
    """The rules that require a version of a product."""

    def __init__(self, matrix: Matrix, component: str) -> None:
        self._rules = [
            rule
            for rule in matrix.rules()
            if rule.requires.component == component and rule.severity == "error"
        ]

    def first_met(self, releases: list[Release], older: list[Release]) -> Iterator[Rule]:
        """Yield the rules that these releases meet, and those of the older series do not."""
        for rule in self._rules:
            if _is_met(rule, releases) and older and not _is_met(rule, older):
                yield rule


def _is_met(rule: Rule, releases: Iterable[Release]) -> bool:
    alternatives = [parse_alternative(text) for text in rule.requires.alternatives]
    return any(a.admits(r.family, r.version) for r in releases for a in alternatives)


def _phrase(rules: Iterable[Rule]) -> Iterator[tuple[str, Rule]]:
    """Yield each statement once, with the first rule that states it."""
    seen: set[str] = set()
    for rule in rules:
        statement = phrase_rule(rule)
        if statement not in seen:
            seen.add(statement)
            yield statement, rule


def _list_entries(releases: Iterable[Release]) -> list[_Entry]:
    ordered = sorted(releases, key=lambda r: get_version_key(r.version), reverse=True)
    return [_build_entry(release) for release in ordered]


def _build_entry(release: Release) -> _Entry:
    facts = list_facts(release)
    sources = (*release.sources, *(source for fact in facts for source in fact.sources))
    return _Entry(release.label, facts, tuple(dict.fromkeys(sources)))


def _build_product(product: Product) -> str:
    """Return the page of a product with all its releases and rules."""
    groups: dict[str, list[tuple[str, Rule]]] = {}
    for statement, rule in _phrase(product.rules):
        groups.setdefault(rule.requires.component.removeprefix("package:"), []).append(
            (statement, rule)
        )
    entries = _list_entries(product.releases)
    return render(
        "product.md.j2",
        product=product,
        name=find_name(product),
        groups=sorted(groups.items()),
        entries=entries,
        columns=list(dict.fromkeys(fact.name for entry in entries for fact in entry.facts)),
    )
