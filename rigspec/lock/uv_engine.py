"""Hash-pinned requirements by uv, for Python 3.6 and newer."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from rigspec.lock.failures import index_failure, no_solution
from rigspec.lock.index import PackageIndex
from rigspec.lock.target import TargetInterpreter

__all__ = ["LEAST_PYTHON", "compile_requirements"]

# uv refuses anything older.
LEAST_PYTHON = (3, 6)

# The glibc that uv has platforms for (`uv pip compile --help`).
_UV_GLIBC = (17, *range(28, 41))

_TROUBLE = re.compile(
    r"error sending request|failed to fetch|could not connect|timed? ?out|dns error|hash mismatch"
    r"|client error|connection|unexpected eof|failed to download|end of file",
    re.IGNORECASE,
)
_LIMIT_S = 600
_ROUNDS = 20
_AT_ONCE = 8


def compile_requirements(
    env: str,
    requirements: Sequence[str],
    constraints: Sequence[str],
    target: TargetInterpreter,
    *,
    index: str | None,
    as_of: dt.date | None,
    kept: str = "",
    moving: Collection[str] = (),
) -> str:
    """The requirements, resolved for the target and pinned with hashes, sorted by name.

    ``kept`` are requirements that were locked before: their versions stay where they can, but for
    the packages in ``moving``.

    uv reads the lower bound of Requires-Python and passes over what it excludes (`!=3.6.*`), so its
    answer is held against what the environment's own pip would find, and asked again without what
    pip would not. Raises LockFailure.
    """
    bounds = list(constraints)
    offered = PackageIndex(target, index)
    for _ in range(_ROUNDS):
        text = _compiled(env, requirements, bounds, target, index, as_of, _held(kept, moving))
        strangers = _not_offered(offered, text)
        if not strangers:
            return text
        bounds += [_bound(offered, name, version) for name, version in strangers]
    raise no_solution(env, f"no set in {_ROUNDS} rounds that pip {target.pip} would install")


def _bound(index: PackageIndex, name: str, version: str) -> str:
    """A constraint that leaves out this version, and all others above what is offered."""
    newest = max((offer.version for offer in index.offers(name)), default=None)
    if newest is not None and newest < Version(version):
        return f"{name}<={newest}"
    return f"{name}!={version}"


def _not_offered(index: PackageIndex, text: str) -> list[tuple[str, str]]:
    """The pins that have no file which the target's pip would take."""
    from concurrent.futures import ThreadPoolExecutor

    lines = [line.split(" ")[0].split(";")[0] for line in text.splitlines() if "==" in line]
    pins = [(name, version) for name, _, version in (line.partition("==") for line in lines)]

    def missing(pin: tuple[str, str]) -> bool:
        return not any(offer.version == Version(pin[1]) for offer in index.offers(pin[0]))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [pin for pin, gone in zip(pins, pool.map(missing, pins), strict=True) if gone]


def _compiled(
    env: str,
    requirements: Sequence[str],
    constraints: Sequence[str],
    target: TargetInterpreter,
    index: str | None,
    as_of: dt.date | None,
    kept: str,
) -> str:
    with tempfile.TemporaryDirectory(prefix="rigspec-") as folder:
        bounds = Path(folder) / "constraints.txt"
        bounds.write_text("".join(f"{line}\n" for line in constraints), encoding="utf-8")
        # uv holds on to the pins of the file that it is to write.
        output = Path(folder) / "requirements.txt"
        output.write_text(kept, encoding="utf-8")
        command = [*_command(target, index, as_of), "--constraints", str(bounds)]
        command += ["--output-file", str(output), "-"]
        try:
            done = subprocess.run(
                command,
                input="".join(f"{line}\n" for line in requirements),
                capture_output=True,
                text=True,
                timeout=_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise index_failure(f"the packages of `{env}`", f"no end in {_LIMIT_S} s") from None
        text = output.read_text(encoding="utf-8")
    if done.returncode != 0:
        if _TROUBLE.search(done.stderr):
            raise index_failure(f"the packages of `{env}`", _last_words(done.stderr))
        raise no_solution(env, _last_words(done.stderr))
    return text


def _held(kept: str, moving: Collection[str]) -> str:
    """The pins that shall stay, without their hashes: the index tells these anew."""
    free = {canonicalize_name(name) for name in moving}
    pins = [line.split(" ")[0] for line in kept.splitlines() if "==" in line]
    return "".join(f"{pin}\n" for pin in pins if canonicalize_name(pin.split("==")[0]) not in free)


def _command(target: TargetInterpreter, index: str | None, as_of: dt.date | None) -> list[str]:
    from uv import find_uv_bin

    least = max(glibc for glibc in _UV_GLIBC if glibc <= max(target.glibc[1], _UV_GLIBC[0]))
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--no-progress", "--color", "never"]
    command += ["--python-version", target.version, "--generate-hashes"]
    command += ["--python-platform", f"{target.arch}-manylinux_2_{least}"]
    command += ["--no-header", "--no-annotate", "--no-config"]
    if index is not None:
        command += ["--default-index", index]
    if as_of is not None:
        # The cut is for packages, not for the tools that read an old sdist's metadata.
        day = (as_of + dt.timedelta(days=1)).isoformat()
        command += ["--exclude-newer", f"{day}T00:00:00Z"]
        for tool in ("pip", "setuptools", "wheel"):
            command += ["--exclude-newer-package", f"{tool}=2100-01-01"]
    return command


def _last_words(stderr: str) -> str:
    # uv draws its tree of causes; only the words are kept.
    lines = [re.sub(r"^[^\w`]+", "", line).strip() for line in stderr.splitlines()]
    told = [line for line in lines if line and not line.startswith("warning:")]
    return " ".join(told)[:1200]
