"""A page for each GPU: its facts, the drivers and toolkits that support it, and what runs on it."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.matrix.model import Matrix, Release, Rule
from rigspec.query.gpu_page import GpuPage, build_gpu_page
from rigspec.query.question import Question
from rigspec.version_specifiers import parse_alternative
from website.facts import list_facts, phrase_rule
from website.templates import make_slug, render

__all__ = ["build_pages", "get_kind", "list_cards", "name_pages"]

# Newest first. Cards without an architecture are listed by their compute capability.
_ARCHITECTURES = {
    "Blackwell": ("10", "11", "12"),
    "Hopper": ("9",),
    "Ada Lovelace": ("8.9",),
    "Ampere": ("8",),
    "Turing": ("7.5",),
    "Volta": ("7",),
    "Pascal": ("6",),
    "Maxwell": ("5",),
    "Kepler": ("3",),
    "Fermi": ("2",),
}


def build_pages(matrix: Matrix) -> Iterator[tuple[str, str]]:
    """Yield the path and the Markdown of each page."""
    cards = list_cards(matrix)
    slugs = name_pages(cards)
    pages: dict[tuple[object, ...], GpuPage | None] = {}
    groups: dict[str, list[tuple[Release, str, str]]] = {name: [] for name in _ARCHITECTURES}
    for card in cards:
        capability = get_capability(card)
        kind = get_kind(card)
        if kind not in pages:
            pages[kind] = build_gpu_page(Question(gpu=card.label))
        architecture = _find_architecture(capability)
        groups[architecture].append((card, slugs[card], capability))
        yield (
            f"matrix/gpu/{slugs[card]}.md",
            render(
                "gpu.md.j2",
                card=card,
                facts=list_facts(card),
                page=pages[kind],
                rules=[(phrase_rule(r), r) for r in _rules_about(matrix, capability)],
                architecture=architecture,
            ),
        )
    yield "matrix/gpu/README.md", render("gpu_index.md.j2", groups=groups, count=len(cards))


def list_cards(matrix: Matrix) -> tuple[Release, ...]:
    """Return the GPUs of the matrix without its names of whole architectures."""
    releases = matrix.product("gpu").releases
    return tuple(r for r in releases if r.label not in {*_ARCHITECTURES, "Ada"})


def name_pages(cards: tuple[Release, ...]) -> dict[Release, str]:
    """Return the file of each card, without its extension."""
    names: dict[Release, str] = {}
    for card in cards:
        slug = make_slug(card.label)
        names[card] = slug if slug not in names.values() else f"{slug}-{len(names)}"
    return names


def get_kind(card: Release) -> tuple[object, ...]:
    """Return what the resolver knows of a card: cards of one kind have the same answers."""
    return card.implies, card.get("arch")


def get_capability(card: Release) -> str:
    """Return the compute capability of a card, or the first of several."""
    found = (c for c in card.implies if c.component == "compute_capability")
    return next(found).alternatives[0].removeprefix("==")


def _find_architecture(capability: str) -> str:
    for name, prefixes in _ARCHITECTURES.items():
        if any(capability == p or capability.startswith(f"{p}.") for p in prefixes):
            return name
    raise ValueError(f"no architecture has compute capability {capability}")


def _rules_about(matrix: Matrix, capability: str) -> Iterator[Rule]:
    """Yield the rules that apply to a compute capability without naming a framework."""
    for rule in (*matrix.product("gpu").rules, *matrix.product("cuda").rules):
        for condition in rule.when:
            if condition.component == "compute_capability" and len(rule.when) == 1:
                texts = condition.alternatives
                if any(parse_alternative(t).admits(None, capability) for t in texts):
                    yield rule
