"""Lines that name a package by a commit of a repository, or by a file with a checksum."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.models.environment import Environment, PackageSource
from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import Document, KeyPath

__all__ = ["check_package_sources"]

_SOURCES = "name a repository and a commit, or a file and its checksum; a version alone is a string"
_COMMIT = 'write the commit in full: `rev = "…"` with 40 hexadecimal digits'
_CHECKSUM = 'write the checksum of the file: `sha256 = "…"`'


def check_package_sources(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each package source whose keys do not name one file."""
    for env_name, env in rig.env.items():
        for name, source in env.sources.items():
            path: KeyPath = ("env", env_name, "packages", name)
            found = _find_problem(name, env, source)
            if found is not None:
                code, message, advice = found
                span = document.span(path)
                yield Diagnostic(code, Severity.ERROR, message, spans=(span,), help=(advice,))


def _find_problem(
    name: str, env: Environment, source: PackageSource
) -> tuple[str, str, str] | None:
    """Return the code, the message and the help of a source that cannot be installed."""
    if (source.git is None) == (source.url is None):
        message = f"`{name}` needs either `git` with `rev`, or `url` with `sha256`"
        return "RS006", message, _SOURCES
    if source.git is not None and source.rev is None:
        return "RS006", f"missing key `rev`: the commit of `{name}` is unknown", _COMMIT
    if source.url is not None and source.sha256 is None:
        message = f"missing key `sha256`: the file of `{name}` cannot be verified"
        return "RS006", message, _CHECKSUM
    if source.git is not None and source.sha256 is not None:
        message = f"`sha256` of `{name}` is that of a file, but `git` names a repository"
        return "RS003", message, "remove `sha256`: the commit identifies the files"
    if source.url is not None and source.rev is not None:
        message = f"`rev` of `{name}` is a commit, but `url` names a file"
        return "RS003", message, "remove `rev`: the checksum identifies the file"
    if env.manager == "conda":
        message = f"conda manages the environment, and no step installs `{name}` from its source"
        return "RS003", message, 'set `manager = "venv"`, or name the package of a channel'
    return None
