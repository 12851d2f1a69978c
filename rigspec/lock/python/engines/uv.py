"""Hash-pinned requirements by uv, for Python 3.6 and newer."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from rigspec.diagnostics.model import Diagnostic
from rigspec.lock.errors import (
    EngineLimit,
    LockError,
    index_failure,
    report_absent_package,
    report_no_solution,
)
from rigspec.lock.python.conflicts import PackageConflict, find_collision
from rigspec.lock.python.direct_packages import add_metadata_wheels
from rigspec.lock.python.engines.archive_metadata import ArchiveMetadata
from rigspec.lock.python.engines.pip_tools import find_interpreter
from rigspec.lock.python.engines.process import find_index_host, run_engine
from rigspec.lock.python.engines.uv_report import read_requirements
from rigspec.lock.python.index.named_pages import NamedPages, read_named_pages
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.index.upload_times import get_end_of_day
from rigspec.lock.python.request import TOOLS, ResolveRequest
from rigspec.lock.python.requirements_file import HashedPin, read_pins, remove_direct_lines
from rigspec.spec.package_sources import find_named_index

__all__ = ["LEAST_PYTHON", "compile_requirements"]

# uv refuses anything older.
LEAST_PYTHON = (3, 6)

# uv builds with nothing older.
_LEAST_BUILDER = (3, 8)

# The glibc that uv has platforms for (`uv pip compile --help`).
_UV_GLIBC = (17, *range(28, 41))

_TROUBLE = re.compile(
    r"error sending request|failed to fetch|could not connect|timed? ?out|dns error|hash mismatch"
    r"|client error|connection|unexpected eof|failed to download|end of file"
    r"|the structure of .* was invalid|memory allocation|too many redirects",
    re.IGNORECASE,
)
# The limits of uv: metadata that requires a build, or that it cannot parse.
_LIMIT = re.compile(
    r"failed to (?:download and )?build|could not be parsed|invalid metadata", re.IGNORECASE
)
# A day after all releases.
_NEVER = "2100-01-01"
_ROUNDS = 20
# Source archives of one result that a build fails for.
_ARCHIVES = 40


class _UnreadableError(EngineLimit):
    """A package that uv cannot read, with its report."""

    def __init__(self, diagnostic: Diagnostic, status: int, report: str) -> None:
        super().__init__(diagnostic, status)
        self.report = report


def compile_requirements(request: ResolveRequest) -> str:
    """Return the requirements, resolved for the target and pinned with hashes, sorted by name.

    Wheels are preferred to newer source archives.

    Raises:
        EngineLimit: uv cannot read a package.
        LockError: There is no solution, or the index failed.

    """
    if request.target.series < LEAST_PYTHON:
        why = f"uv does not support Python {request.target.version}; omit `--engine`"
        raise report_no_solution(request.env, why)
    index = PackageIndex.of(request)
    # uv takes a login page for an empty index, and has no limit on the size or time of a response.
    index.read_pages(Requirement(text).name for text in request.requirements)
    return _Compiler(request, index).compile()


class _Compiler:
    """Runs uv until its result can be installed."""

    def __init__(self, request: ResolveRequest, index: PackageIndex) -> None:
        self._request = request
        self._index = index
        self._metadata = ArchiveMetadata(index)
        self._named = read_named_pages(index, request.as_of) if request.named_indexes else None

    def compile(self) -> str:
        """Return the result, with older wheels in place of newer source archives, where possible.

        No other package that is requested becomes older for it.
        """
        constraints = self._request.constraints
        text = self._compile_installable(constraints)
        return self._try_bounds(constraints, text, tuple(self._bound_to_wheels(text)))

    def _try_bounds(self, constraints: Sequence[str], text: str, bounds: Sequence[str]) -> str:
        """Return the result with as many of the bounds as make no other requested package older."""
        if not bounds:
            return text
        try:
            found = self._compile_installable((*constraints, *bounds))
        except LockError as error:
            if error.status != 1:
                raise
        else:
            if not _makes_older(self._request, text, found, bounds):
                return found
        if len(bounds) == 1:
            return text
        for bound in bounds:
            found = self._try_bounds(constraints, text, (bound,))
            if found != text:
                constraints = (*constraints, bound)
                text = found
        return text

    def _compile_installable(self, constraints: Sequence[str]) -> str:
        """Return a result that the environment's own pip can install.

        uv reads the lower bound of Requires-Python and ignores what it excludes (`!=3.6.*`), so its
        result is compared with the files that pip would find, and requested again without the rest.
        """
        bounds = list(constraints)
        unusable: list[HashedPin] = []
        for _ in range(_ROUNDS):
            text = self._compile_readable(bounds)
            unusable = self._index.missing(read_pins(text))
            if not unusable:
                return text
            bounds += [_exclude(self._index, pin.name, pin.version) for pin in unusable]
        raise report_no_solution(self._request.env, _explain_endless(self._request, unusable))

    def _compile_readable(self, constraints: Sequence[str]) -> str:
        """Return a result; metadata that uv would have to build is read from the archive.

        A search through the versions of a package comes across releases that no Python or machine
        of today builds, and uv ends with the first.
        """
        for _ in range(_ARCHIVES):
            bounds = (*constraints, *self._metadata.excluded)
            try:
                return _compile_once(self._request, bounds, self._metadata.render(), self._named)
            except _UnreadableError as error:
                if not self._metadata.add_unbuilt(error.report):
                    raise
        raise report_no_solution(self._request.env, f"{_ARCHIVES} source archives cannot be built")

    def _bound_to_wheels(self, text: str) -> Iterator[str]:
        """Yield constraints to the newest release with a wheel, where one replaces an archive."""
        for pin in self._index.source_only(read_pins(text)):
            wheels = [
                offer.version
                for offer in self._index.offers(pin.name)
                # A pre-release is not what a newer release of the same package is replaced with.
                if offer.has_wheel
                and (pin.version.is_prerelease or not offer.version.is_prerelease)
            ]
            if wheels and min(wheels) < pin.version:
                yield f"{pin.name}<={max(v for v in wheels if v < pin.version)}"


def _explain_endless(request: ResolveRequest, unusable: Sequence[HashedPin]) -> str:
    """Return which packages have no usable release after all rounds."""
    names = ", ".join(f"{pin.name} {pin.version}" for pin in unusable)
    return f"pip {request.target.pip} on Python {request.target.version} cannot install {names}"


def _makes_older(request: ResolveRequest, before: str, after: str, bounds: Sequence[str]) -> bool:
    """Return whether bounds on packages make another one older that is requested."""
    names, others = map(_read_names, (request.requirements, bounds))
    versions = {pin.name: pin.version for pin in read_pins(after)}
    pins = (pin for pin in read_pins(before) if pin.name in names - others)
    return any(pin.name in versions and versions[pin.name] < pin.version for pin in pins)


def _read_names(requirements: Sequence[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def _exclude(index: PackageIndex, name: str, version: Version) -> str:
    """Return a constraint that excludes this version, and all others that pip does not take."""
    newest = max((offer.version for offer in index.offers(name)), default=None)
    if newest is not None and newest < version:
        return f"{name}<={newest}"
    # Each round is a run of uv: a package may have a bound on Python in dozens of releases.
    unusable = sorted({version, *index.list_unusable(name)})
    return f"{name}{','.join(f'!={each}' for each in unusable)}"


def _compile_once(
    request: ResolveRequest, constraints: Sequence[str], metadata: str, named: NamedPages | None
) -> str:
    """Return what uv makes of a request; ``metadata`` is a file of its configuration.

    ``named`` are the pages of packages that come from an index of their own.
    """
    with tempfile.TemporaryDirectory(prefix="rigspec-") as folder:
        bounds = Path(folder) / "constraints.txt"
        variables, excluding, limits = _list_index_options(request, named, Path(folder) / "named")
        lines = (*constraints, *limits)
        bounds.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        # uv prefers the pins of the file that it writes, and adds their hashes again.
        output = Path(folder) / "requirements.txt"
        preferred = request.preferred_versions().items()
        kept = [f"{name}=={version}\n" for name, version in preferred]
        output.write_text("".join(kept), encoding="utf-8")
        configuration = Path(folder) / "uv.toml"
        configuration.write_text(metadata, encoding="utf-8")
        command = [*_command(request), *excluding, "--config-file", str(configuration)]
        command += ["--constraints", str(bounds)]
        command += ["--output-file", str(output), "-"]
        direct = add_metadata_wheels(request.direct, Path(folder))
        requirements = "".join(f"{line}\n" for line in (*request.requirements, *direct))
        done = run_engine(request, command, requirements, variables)
        if done.returncode != 0:
            raise _failure(request, constraints, done.stderr, named)
        return remove_direct_lines(output.read_text(encoding="utf-8"))


def _list_index_options(
    request: ResolveRequest, named: NamedPages | None, folder: Path
) -> tuple[dict[str, str], list[str], list[str]]:
    """Return the variables, options and constraints for uv that state where packages come from.

    ``folder`` is where the pages of named packages are written.
    """
    # An index's address may contain a password, which a list of processes would show.
    variables = {} if request.index is None else {"UV_DEFAULT_INDEX": request.index}
    options: list[str] = []
    limits: list[str] = []
    indexes = list(request.extra_indexes)
    if indexes:
        # An index of builds has old releases of other packages, too.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if named is not None:
        if indexes:
            limits = list(named.list_bounds())
        else:
            variables["UV_INDEX_STRATEGY"] = "first-index"
        indexes.insert(0, named.write(folder))
        if request.as_of is not None:
            # The pages have no times, and no file that is newer.
            for name in named.files:
                options += ["--exclude-newer-package", f"{name}={_NEVER}"]
    if indexes:
        variables["UV_INDEX"] = " ".join(indexes)
    return variables, options, limits


def _failure(
    request: ResolveRequest, constraints: Sequence[str], stderr: str, named: NamedPages | None
) -> LockError:
    words = _last_words(stderr)
    for name in named.absent if named is not None else ():
        if re.search(rf"no versions? of {re.escape(name)}(?![\w.-])", words):
            index = find_named_index(request.named_indexes, name)
            return report_absent_package(name, index.name if index is not None else "")
    if _LIMIT.search(stderr):
        failure = report_no_solution(request.env, words)
        return _UnreadableError(failure.diagnostic, failure.status, stderr)
    if _TROUBLE.search(stderr):
        host = find_index_host(request)
        return index_failure(f"the packages of `{request.env}`", f"{words} (from {host})")
    collision = find_collision(read_requirements(stderr, constraints))
    if collision is not None:
        return PackageConflict(request.env, collision)
    return report_no_solution(request.env, words)


def _command(request: ResolveRequest) -> list[str]:
    from uv import find_uv_bin

    target, as_of = request.target, request.as_of
    least = max(glibc for glibc in _UV_GLIBC if glibc <= max(target.glibc[1], _UV_GLIBC[0]))
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--no-progress", "--color", "never"]
    command += ["--python-version", target.version, "--generate-hashes"]
    command += ["--python-platform", f"{target.arch}-manylinux_2_{least}"]
    command += ["--no-header", "--no-annotate"]
    # Left to itself, uv downloads the target's Python, only to read source archives.
    command += ["--python", _find_builder(target.series), "--no-python-downloads"]
    if as_of is not None:
        # The cut is for packages, not for the tools that read an old sdist's metadata.
        command += ["--exclude-newer", get_end_of_day(as_of).strftime("%Y-%m-%dT%H:%M:%SZ")]
        for tool in TOOLS:
            command += ["--exclude-newer-package", f"{tool}={_NEVER}"]
    return command


def _find_builder(series: tuple[int, int]) -> str:
    """Return the Python that reads the metadata of source archives: the target's, if it is here."""
    found = find_interpreter(series) if series >= _LEAST_BUILDER else None
    return str(found or sys.executable)


def _last_words(stderr: str) -> str:
    # uv draws a tree of causes; only the text is used.
    lines = [re.sub(r"^[^\w`]+", "", line).strip() for line in stderr.splitlines()]
    words = [line for line in lines if line and not line.startswith("warning:")]
    return " ".join(words)[:1200]
