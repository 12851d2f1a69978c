"""Check the file of a secret, without the secret."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.plan.inspection.expectation import Expectation, compare, read_text
from rigspec.plan.inspection.files import check_private_file
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.base import compute_digest
from rigspec.plan.steps.secret import SecretStep

__all__ = ["check"]


def check(step: SecretStep, _: Inspection) -> Iterator[Finding]:
    """Check the file of a secret, without comparing the secret itself."""
    yield from check_private_file(step, step.path, step.owner)
    if step.text:
        expected = compute_digest(_without_secret(step, step.text))
        expectation = Expectation(step.layer, step.path, "text", expected, step.id)
        yield compare(expectation, lambda: _digest_without_secret(step))


def _digest_without_secret(step: SecretStep) -> str | None:
    text = read_text(step.path)
    return None if text is None else compute_digest(_without_secret(step, text))


def _without_secret(step: SecretStep, text: str) -> str:
    """Return the lines that do not contain the secret."""
    hidden = {i for i, line in enumerate(step.lines) if any(map(step.is_placeholder, line))}
    return "\n".join(line for i, line in enumerate(text.splitlines()) if i not in hidden)
