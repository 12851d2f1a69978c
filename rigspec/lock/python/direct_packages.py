"""Packages from a commit of a repository or from a file, which no package index has."""

from __future__ import annotations

import base64
import hashlib
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lock.errors import LockError, Place, index_failure, report_failed_transfer
from rigspec.lock.model import LockedPythonPackage
from rigspec.lock.python.index.metadata import DAMAGED_ARCHIVE, FileMetadata, parse_requirements
from rigspec.lock.python.index.sdist import describe_build, read_archive
from rigspec.lock.python.index.source_tree import SourceTree, find_submodules, read_source_tree
from rigspec.lock.python.requirements_file import HashedPin
from rigspec.matrix.loader import load_matrix
from rigspec.net.http import (
    WEB_ERRORS,
    create_web_client,
    describe_status,
    iter_body,
    stream_response,
)
from rigspec.spec.models.environment import Environment, PackageSource

__all__ = [
    "DirectPackage",
    "add_metadata_wheels",
    "find_version_variables",
    "lock_direct_packages",
]

_HOSTS = "git-host"
_WITHIN_S = 60.0
# A source tree is read into memory.
_LARGEST_TREE = 1 << 30
_METADATA_FILES = frozenset(
    {
        *("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "PKG-INFO", ".gitmodules"),
        *("__init__.py", "version.py", "_version.py", "__about__.py", "__version__.py"),
    }
)
# Builds that read the version from git, which an archive does not have.
_READS_GIT = frozenset({"setuptools-scm", "hatch-vcs", "versioningit", "setuptools-git-versioning"})


@dataclass(frozen=True)
class DirectPackage:
    """A package at an address, with its checksum and metadata."""

    name: str
    version: str
    requires: tuple[str, ...]
    url: str
    sha256: str
    metadata: FileMetadata | None = None

    @property
    def pin(self) -> HashedPin:
        """Return it as a pin of its version."""
        return HashedPin(self.name, Version(self.version), frozenset({self.sha256}))

    @property
    def locked(self) -> LockedPythonPackage:
        """Return it as the lock has it."""
        is_source = self.metadata is not None
        return LockedPythonPackage(self.name, self.version, (self.sha256,), is_source, self.url)


def lock_direct_packages(env: str, spec: Environment) -> tuple[DirectPackage, ...]:
    """Return the packages of an environment that come from a repository or a file.

    Raises:
        LockError: A server failed, or a package does not state what the lock needs.
    """
    return tuple(
        _lock(env, key, canonicalize_name(key), source)
        for key, source in sorted(spec.sources.items())
    )


def _lock(env: str, key: str, name: str, source: PackageSource) -> DirectPackage:
    place = Place(("env", env, "packages", key), "from a repository" if source.git else "")
    url = source.url or _find_archive(source, place)
    with tempfile.TemporaryFile(prefix="rigspec-") as file:
        found = _download(name, url, file)
        if source.sha256 is not None and found != source.sha256:
            raise index_failure(name, f"its sha256 is {found}, but the spec has {source.sha256}")
        try:
            if urlsplit(url).path.endswith(".whl"):
                return _read_wheel(name, url, found, file, source)
            return _read_tree(name, url, found, file, source, place)
        except DAMAGED_ARCHIVE as error:
            raise index_failure(name, f"not an archive of a package: {error}") from None


def _find_archive(source: PackageSource, place: Place) -> str:
    """Return the address of a commit's archive."""
    repository = (source.git or "").rstrip("/").removesuffix(".git")
    host = urlsplit(repository).hostname or ""
    for release in load_matrix([_HOSTS]).product(_HOSTS).releases:
        if release.version == host:
            name = repository.rpartition("/")[2]
            form = release.get("archive") or ""
            return form.format(repository=repository, rev=source.rev, name=name)
    raise _error(
        f"no archive of a commit is known for the server {host}",
        "name an archive of the commit with `url` and `sha256`",
        place,
    )


def _download(name: str, url: str, file: IO[bytes]) -> str:
    """Write the file at an address, and return its checksum."""
    found = hashlib.sha256()
    for block in _read_blocks(name, url):
        found.update(block)
        file.write(block)
    file.seek(0)
    return found.hexdigest()


def _read_blocks(name: str, url: str) -> Iterator[bytes]:
    if urlsplit(url).scheme == "file":
        try:
            yield Path(urlsplit(url).path).read_bytes()
        except OSError as error:
            raise index_failure(name, error.strerror or "cannot be read") from None
        return
    try:
        with create_web_client() as client, stream_response(client, url, _WITHIN_S) as response:
            if response.status_code != 200:
                raise index_failure(name, describe_status(response))
            yield from iter_body(response)
    except WEB_ERRORS as error:
        raise report_failed_transfer(name, error) from None


def _read_wheel(
    name: str, url: str, sha256: str, file: IO[bytes], source: PackageSource
) -> DirectPackage:
    with zipfile.ZipFile(file) as wheel:
        members = [each for each in wheel.namelist() if each.endswith(".dist-info/METADATA")]
        text = wheel.read(members[0]).decode("utf-8", "replace") if members else ""
    metadata = HeaderParser().parsestr(text)
    if not metadata["Name"] or not metadata["Version"]:
        raise index_failure(name, "the wheel does not state its name and version")
    if canonicalize_name(metadata["Name"]) != name:
        raise index_failure(name, f"the wheel is one of {metadata['Name']}")
    requires = source.requires if source.requires is not None else metadata.get_all("Requires-Dist")
    return DirectPackage(name, metadata["Version"], tuple(requires or ()), url, sha256)


def _read_tree(
    name: str, url: str, sha256: str, file: IO[bytes], source: PackageSource, place: Place
) -> DirectPackage:
    """Return the package of a source archive, whose files are below one folder."""
    data = file.read(_LARGEST_TREE)
    path = urlsplit(url).path
    kind = "tree.zip" if path.endswith(".zip") else "tree.tar.gz"
    names, texts = read_archive(kind, data, lambda n: PurePosixPath(n).name in _METADATA_FILES)
    names = [each.partition("/")[2] for each in names]
    texts = {each.partition("/")[2]: text for each, text in texts.items()}
    missing = find_submodules(texts.get(".gitmodules", ""), names)
    if source.git is not None and missing:
        raise _error(
            f"the archive of {name} lacks its git submodules: {', '.join(missing)}",
            "build a wheel of the commit, and name it with `url` and `sha256`",
            place,
        )
    folder = f"{source.subdirectory}/" if source.subdirectory else ""
    own = {each.removeprefix(folder): t for each, t in texts.items() if each.startswith(folder)}
    own_names = [each.removeprefix(folder) for each in names if each.startswith(folder)]
    tree = _complete(name, read_source_tree(own, name), own.get("PKG-INFO"), source, place)
    # Below a folder, as in a source archive.
    build = describe_build(
        [f"{name}/{each}" for each in own_names],
        {f"{name}/{each}": text for each, text in own.items() if "/" not in each},
    )
    metadata = FileMetadata(
        tuple(parse_requirements(tree.requires or ())),
        tuple(parse_requirements(build.built_with)),
        build.computes_requirements,
        build.languages,
        build.is_stub,
        build.has_open_crates,
    )
    if source.subdirectory:
        url = f"{url}#subdirectory={source.subdirectory}"
    return DirectPackage(name, tree.version or "", tree.requires or (), url, sha256, metadata)


def _complete(
    name: str, tree: SourceTree, pkg_info: str | None, source: PackageSource, place: Place
) -> SourceTree:
    """Return the metadata with that of the spec; raise LockError for what neither states."""
    version, requires = tree.version, tree.requires
    if pkg_info is not None:
        headers = HeaderParser().parsestr(pkg_info)
        version = headers["Version"] or version
        if requires is None or headers["Requires-Dist"]:
            requires = tuple(headers.get_all("Requires-Dist") or ())
    version = source.version if source.version is not None else version
    requires = source.requires if source.requires is not None else requires
    if version is None:
        raise _error(
            f"the files of {name} do not state its version, which only its build computes",
            'add `version = "…"` to the line',
            place,
        )
    if requires is None:
        raise _error(
            f"the files of {name} do not state its requirements, which only its build computes",
            'add `requires = ["…"]` to the line',
            place,
        )
    try:
        return SourceTree(str(Version(version)), tuple(str(Requirement(each)) for each in requires))
    except (InvalidVersion, InvalidRequirement) as error:
        raise _error(f"{name}: {error}", "correct `version` or `requires`", place) from None


def _error(message: str, advice: str, place: Place) -> LockError:
    diagnostic = Diagnostic("RS534", Severity.ERROR, message, help=(advice,))
    return LockError(diagnostic, 1, (place,), on_every_python=True)


def find_version_variables(packages: Iterable[DirectPackage]) -> tuple[str, ...]:
    """Return variables (``NAME=VALUE``) with the version, for builds that read it from git."""
    found = []
    for package in packages:
        built_with = package.metadata.built_with if package.metadata is not None else ()
        if any(canonicalize_name(each.name) in _READS_GIT for each in built_with):
            suffix = package.name.replace("-", "_").upper()
            found.append(f"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{suffix}={package.version}")
    return tuple(found)


def add_metadata_wheels(packages: Iterable[DirectPackage], folder: Path) -> tuple[str, ...]:
    """Write a wheel without code for each package, and return requirements of these files.

    A resolver reads the version and the requirements from them.
    """
    return tuple(_write_wheel(package, folder) for package in packages)


def _write_wheel(package: DirectPackage, folder: Path) -> str:
    stem = f"{package.name.replace('-', '_')}-{package.version}"
    requires = "".join(f"Requires-Dist: {each}\n" for each in package.requires)
    headers = f"Metadata-Version: 2.1\nName: {package.name}\nVersion: {package.version}\n"
    files = {
        f"{stem}.dist-info/METADATA": headers + requires,
        f"{stem}.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: rigspec\nRoot-Is-Purelib: true\nTag: py2.py3-none-any\n"
        ),
    }
    record = f"{stem}.dist-info/RECORD"
    path = folder / f"{stem}-py2.py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        lines = [f"{name},{_hash(text)},{len(text.encode())}\n" for name, text in files.items()]
        wheel.writestr(record, "".join([*lines, f"{record},,\n"]))
    return f"{package.name} @ {path.as_uri()}"


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
