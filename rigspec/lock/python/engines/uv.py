"""Hash-pinned requirements by uv, for Python 3.6 and newer."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from packaging.version import Version

from rigspec.lock.errors import LockError, index_failure, no_solution
from rigspec.lock.python.engines.process import run_engine
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.index.upload_times import end_of
from rigspec.lock.python.request import TOOLS, ResolveRequest
from rigspec.lock.python.requirements_file import pins

__all__ = ["LEAST_PYTHON", "Unbuildable", "compile_requirements"]

# uv refuses anything older.
LEAST_PYTHON = (3, 6)

# The glibc that uv has platforms for (`uv pip compile --help`).
_UV_GLIBC = (17, *range(28, 41))

_TROUBLE = re.compile(
    r"error sending request|failed to fetch|could not connect|timed? ?out|dns error|hash mismatch"
    r"|client error|connection|unexpected eof|failed to download|end of file",
    re.IGNORECASE,
)
_UNBUILT = re.compile(r"failed to (?:download and )?build", re.IGNORECASE)
_ROUNDS = 20


class Unbuildable(LockError):
    """The metadata of an sdist requires a build, which fails here."""


def compile_requirements(question: ResolveRequest) -> str:
    """The requirements, resolved for the target and pinned with hashes, sorted by name.

    uv reads the lower bound of Requires-Python and ignores what it excludes (`!=3.6.*`), so its
    answer is compared with what the environment's own pip would find, and requested again without
    the rest. Raises LockError.
    """
    if question.target.series < LEAST_PYTHON:
        why = f"uv does not support Python {question.target.version}; omit `--engine`"
        raise no_solution(question.env, why)
    bounds = list(question.constraints)
    offered = PackageIndex(question.target, question.index)
    for _ in range(_ROUNDS):
        text = _compile_once(question, bounds)
        strangers = offered.missing(pins(text))
        if not strangers:
            return text
        bounds += [_bound(offered, pin.name, pin.version) for pin in strangers]
    pip = question.target.pip
    raise no_solution(question.env, f"no set in {_ROUNDS} rounds that pip {pip} would install")


def _bound(index: PackageIndex, name: str, version: Version) -> str:
    """A constraint that leaves out this version, and all others above what is offered."""
    newest = max((offer.version for offer in index.offers(name)), default=None)
    if newest is not None and newest < version:
        return f"{name}<={newest}"
    return f"{name}!={version}"


def _compile_once(question: ResolveRequest, constraints: Sequence[str]) -> str:
    with tempfile.TemporaryDirectory(prefix="rigspec-") as folder:
        bounds = Path(folder) / "constraints.txt"
        bounds.write_text("".join(f"{line}\n" for line in constraints), encoding="utf-8")
        # uv prefers the pins of the file that it writes, and adds their hashes again.
        output = Path(folder) / "requirements.txt"
        preferred = (
            f"{name}=={version}\n" for name, version in question.preferred_versions().items()
        )
        output.write_text("".join(preferred), encoding="utf-8")
        command = [*_command(question), "--constraints", str(bounds)]
        command += ["--output-file", str(output), "-"]
        lines = "".join(f"{requirement}\n" for requirement in question.requirements)
        # An index's address may hold a password: it is no matter for the list of processes.
        index = {} if question.index is None else {"UV_DEFAULT_INDEX": question.index}
        done = run_engine(question, command, lines, index)
        if done.returncode != 0:
            raise _failure(question, done.stderr)
        return output.read_text(encoding="utf-8")


def _failure(question: ResolveRequest, stderr: str) -> LockError:
    if _UNBUILT.search(stderr):
        failure = no_solution(question.env, _last_words(stderr))
        return Unbuildable(failure.diagnostic, failure.status)
    if _TROUBLE.search(stderr):
        return index_failure(f"the packages of `{question.env}`", _last_words(stderr))
    return no_solution(question.env, _last_words(stderr))


def _command(question: ResolveRequest) -> list[str]:
    from uv import find_uv_bin

    target, as_of = question.target, question.as_of
    least = max(glibc for glibc in _UV_GLIBC if glibc <= max(target.glibc[1], _UV_GLIBC[0]))
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--no-progress", "--color", "never"]
    command += ["--python-version", target.version, "--generate-hashes"]
    command += ["--python-platform", f"{target.arch}-manylinux_2_{least}"]
    command += ["--no-header", "--no-annotate", "--no-config"]
    if as_of is not None:
        # The cut is for packages, not for the tools that read an old sdist's metadata.
        command += ["--exclude-newer", end_of(as_of).strftime("%Y-%m-%dT%H:%M:%SZ")]
        for tool in TOOLS:
            command += ["--exclude-newer-package", f"{tool}=2100-01-01"]
    return command


def _last_words(stderr: str) -> str:
    # uv draws a tree of causes; only the text is used.
    lines = [re.sub(r"^[^\w`]+", "", line).strip() for line in stderr.splitlines()]
    words = [line for line in lines if line and not line.startswith("warning:")]
    return " ".join(words)[:1200]
