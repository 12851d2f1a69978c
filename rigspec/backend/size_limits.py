"""What a provider takes only up to a size: written plain, else compressed, else fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rigspec.backend.discovery import Limit, Output
from rigspec.fs.atomic_tree import OutputFile
from rigspec.plan.model import DeploymentTarget

__all__ = ["OutputTooLarge", "Seed", "fit_to_limit", "limit_of"]


@dataclass(frozen=True)
class Seed:
    """What an output fetches instead of holding it."""

    url: str
    sha256: str


class OutputTooLarge(Exception):
    """An output is longer than the machine's provider takes, and may not fetch the rest.

    ``size`` is its shortest form in bytes; ``named`` says whether the spec names the provider.
    """

    def __init__(self, path: str, size: int, limit: Limit, *, named: bool, seeded: bool) -> None:
        super().__init__(f"{path} has {size} bytes; {limit.provider} takes {limit.size}")
        self.path = path
        self.size = size
        self.limit = limit
        self.named = named
        self.seeded = seeded


# A template with a seed, or without: its text.
Rendered = Callable[["Seed | None"], str]


def limit_of(path: str, limits: tuple[Limit, ...], site: DeploymentTarget) -> Limit | None:
    """What bounds an output where the machine stands; the narrowest where no cloud is named."""
    bounds = sorted((each for each in limits if each.path == path), key=lambda each: each.size)
    if not site.cloud:
        return None
    known = [each for each in bounds if each.provider == site.provider]
    return next(iter(known or bounds), None)


def fit_to_limit(
    output: Output,
    render: Rendered,
    limit: Limit,
    bulk: tuple[Output, Rendered] | None,
    site: DeploymentTarget,
) -> Iterator[OutputFile]:
    """Return the output in the first form that fits. Raises OutputTooLarge."""
    text = render(None).encode()
    forms = [text, *([_compressed(text)] if limit.binary and len(text) > limit.size else [])]
    for form in forms:
        if len(form) <= limit.size:
            yield OutputFile(output.path, form, output.mode)
            return
    named = limit.provider == site.provider
    if bulk is None or site.seed is None:
        raise OutputTooLarge(output.path, len(forms[-1]), limit, named=named, seeded=False)
    beside, render_bulk = bulk
    content = render_bulk(None).encode()
    digest = hashlib.sha256(content).hexdigest()
    path = beside.path.replace("{sha256}", digest)
    seed = Seed(f"{site.seed.rstrip('/')}/{path.rpartition('/')[2]}", digest)
    short = render(seed).encode()
    if len(short) > limit.size:
        raise OutputTooLarge(output.path, len(short), limit, named=named, seeded=True)
    yield OutputFile(output.path, short, output.mode)
    yield OutputFile(path, content, beside.mode)


def _compressed(content: bytes) -> bytes:
    # zlib writes other bytes from one build to the next; this one writes the same, with no date.
    from zopfli.gzip import compress

    return bytes(compress(content))
