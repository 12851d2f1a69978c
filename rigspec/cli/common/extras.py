"""Commands that need an extra of the distribution."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rigspec.cli.console import fail

__all__ = ["EXTRAS", "report_missing_extra"]

# The extra that installs a module, or a distribution whose version is looked up.
EXTRAS = {
    "conda_lock": "conda",
    "cyclonedx": "sbom",
    "debian": "lock",
    "httpx2": "lock",
    "lsprotocol": "lsp",
    "pip-tools": "pip-tools",
    "pygls": "lsp",
    "rattler": "conda",
    "resolvelib": "lock",
    "solv": "lock",
    "tenacity": "lock",
    "unearth": "lock",
    "uv": "lock",
}


@contextmanager
def report_missing_extra() -> Iterator[None]:
    """Exit with status 2 and the name of the extra if a module of an extra is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in EXTRAS:
            raise
        extra = EXTRAS[name]
        distribution = f'"rigspec[{extra}]"'
        fail(
            f"this needs the extra `{extra}` of rigspec: `{name}` is not installed",
            status=2,
            help_text=f"run `uv tool install {distribution}` or `pip install {distribution}`",
        )
