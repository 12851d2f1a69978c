"""Fit outputs to size limits: as plain text, compressed, or downloaded at first boot."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Protocol

from rigspec.backend.discovery import Limit, Output
from rigspec.frozen import dataclass
from rigspec.fs.atomic_tree import OutputFile
from rigspec.plan.model import DeploymentTarget

__all__ = ["OutputTooLarge", "Seed", "fit_to_limit", "limit_of"]


@dataclass(frozen=True)
class Seed:
    """The file that an output downloads because it does not fit."""

    url: str
    sha256: str


class OutputTooLarge(Exception):
    """An output exceeds the size limit of the provider.

    ``size`` is the size of its shortest form in bytes. ``named`` is true if the spec names the
    provider, ``seeded`` if the output already downloads the rest.
    """

    def __init__(self, path: str, size: int, limit: Limit, *, named: bool, seeded: bool) -> None:
        super().__init__(f"{path} has {size} bytes; the limit of {limit.provider} is {limit.size}")
        self.path = path
        self.size = size
        self.limit = limit
        self.named = named
        self.seeded = seeded


class Renderer(Protocol):
    """Renders a template with a seed or without.

    ``compact`` leaves out comments, ``short`` also the checksums that an index lists.
    """

    def __call__(
        self, seed: Seed | None = None, *, compact: bool = False, short: bool = False
    ) -> str:
        """Return the text."""
        ...


def limit_of(path: str, limits: tuple[Limit, ...], deployment: DeploymentTarget) -> Limit | None:
    """Return the size limit of an output on the machine, or the smallest of an unknown cloud."""
    bounds = sorted((each for each in limits if each.path == path), key=lambda each: each.size)
    if not deployment.cloud:
        return None
    matching = [each for each in bounds if each.provider == deployment.provider]
    return next(iter(matching or bounds), None)


def fit_to_limit(
    output: Output,
    render: Renderer,
    limit: Limit,
    overflow: tuple[Output, Renderer] | None,
    deployment: DeploymentTarget,
) -> Iterator[OutputFile]:
    """Yield the output in the first form that fits, and the file that it downloads, if any.

    Raises:
        OutputTooLarge: No form fits.

    """
    size = 0
    for form in _list_forms(render, limit):
        if len(form) <= limit.size:
            yield OutputFile(output.path, form, output.mode)
            return
        size = len(form)
    named = limit.provider == deployment.provider
    if overflow is None or deployment.seed is None:
        raise OutputTooLarge(output.path, size, limit, named=named, seeded=False)
    overflow_output, render_overflow = overflow
    content = render_overflow().encode()
    digest = hashlib.sha256(content).hexdigest()
    path = overflow_output.path.replace("{sha256}", digest)
    seed = Seed(f"{deployment.seed.rstrip('/')}/{path.rpartition('/')[2]}", digest)
    short = render(seed).encode()
    if len(short) > limit.size:
        raise OutputTooLarge(output.path, len(short), limit, named=named, seeded=True)
    yield OutputFile(output.path, short, output.mode)
    yield OutputFile(path, content, overflow_output.mode)


def _list_forms(render: Renderer, limit: Limit) -> Iterator[bytes]:
    """Yield the forms of an output, the most readable first."""
    text, compact = render().encode(), render(compact=True).encode()
    yield text
    if limit.binary and _may_fit(text, limit):
        yield _compress(text)
    yield compact
    if limit.binary and _may_fit(compact, limit):
        yield _compress(compact)
    short = render(compact=True, short=True).encode()
    yield short
    if limit.binary:
        yield _compress(short)


def _may_fit(content: bytes, limit: Limit) -> bool:
    """Return whether a slow compression is worth a try: it saves about a tenth of zlib's size."""
    return len(zlib.compress(content, 9)) * 0.8 <= limit.size


def _compress(content: bytes) -> bytes:
    # The output of zlib differs between builds; zopfli's is reproducible and has no timestamp.
    from zopfli.gzip import compress

    return bytes(compress(content))
