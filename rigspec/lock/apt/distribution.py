"""The archive of an operating system, as the matrix knows it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rigspec.matrix.model import Matrix, Release
from rigspec.resolution import DEFAULT_ARCH

__all__ = ["Distribution", "Suite", "find_distribution", "find_keyrings"]

_TABLE = "archive"
# Debian's words for what the kernel calls otherwise: dpkg's cputable.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el"}


@dataclass(frozen=True)
class Suite:
    """A suite, and the archive that has it: ``bookworm-security`` in ``debian-security``."""

    archive: str
    name: str


@dataclass(frozen=True)
class Distribution:
    """One release of a distribution. ``suites`` begins with the release itself, ``keys`` are the
    primary fingerprints that its suites are signed with, ``codenames`` those of all its releases.
    ``urls`` are its public archives, ``keyring`` is the file of its keys on its own systems, and
    ``avoided`` are versions of packages (name, version) that break what the release has them for.
    ``module_packages`` are the driver's half for the kernel, ``library_packages`` that for
    programs. ``cuda_home`` and ``nvcc`` are where its own packages put the toolkit, ``compiler`` is
    the name of a series of GCC, command and package alike.
    """

    name: str
    release: str
    origin: str
    suites: tuple[Suite, ...]
    components: tuple[str, ...]
    architecture: str
    urls: tuple[str, ...]
    keyring: str
    keys: frozenset[str]
    codenames: frozenset[str]
    snapshots_since: str | None = None
    promise: str | None = None
    driver_packages: tuple[str, ...] = ()
    open_driver_packages: tuple[str, ...] = ()
    module_packages: tuple[str, ...] = ()
    open_module_packages: tuple[str, ...] = ()
    library_packages: tuple[str, ...] = ()
    cuda_packages: tuple[str, ...] = ()
    cuda_home: str | None = None
    nvcc: str | None = None
    compiler: str | None = None
    avoided: frozenset[tuple[str, str]] = frozenset()


def find_distribution(matrix: Matrix, os: str, arch: str) -> Distribution | None:
    """Return the distribution of ``debian 12`` on a machine; None where its keys are unknown."""
    releases = matrix.product(_TABLE).releases
    found = next((release for release in releases if release.label == os), None)
    if found is None or found.family is None:
        return None
    suites = (suite.partition("/") for suite in _words(found, "suites"))
    same = (release for release in releases if release.family == found.family)
    return Distribution(
        name=found.family,
        release=found.version,
        origin=found.get("origin") or "",
        suites=tuple(Suite(archive, name) for archive, _, name in suites),
        components=_words(found, "components"),
        architecture=_ARCHITECTURES.get(arch, arch),
        urls=_list_urls(found, arch),
        keyring=found.get("keyring") or "",
        keys=frozenset(_words(found, "keys")),
        codenames=frozenset(release.get("codename") or "" for release in same),
        snapshots_since=found.get("snapshots_since"),
        promise=found.get("promise"),
        driver_packages=_words(found, "driver_packages"),
        open_driver_packages=_words(found, "open_driver_packages"),
        module_packages=_words(found, "module_packages"),
        open_module_packages=_words(found, "open_module_packages"),
        library_packages=_words(found, "library_packages"),
        cuda_packages=_words(found, "cuda_packages"),
        cuda_home=found.get("cuda_home"),
        nvcc=found.get("nvcc"),
        compiler=found.get("compiler"),
        avoided=frozenset(_name_and_version(word) for word in _words(found, "avoided")),
    )


def find_keyrings(distribution: Distribution) -> tuple[Path, ...]:
    """Return the files of its keys: this host's own, which may be newer, and the matrix's."""
    shipped = Path(str(files("rigspec.matrix"))) / "keyrings" / f"{distribution.name}.gpg"
    return tuple(file for file in (Path(distribution.keyring), shipped) if file.is_file())


def _list_urls(release: Release, arch: str) -> tuple[str, ...]:
    ports = () if arch == DEFAULT_ARCH else _words(release, "ports_urls")
    return ports or _words(release, "urls")


def _name_and_version(word: str) -> tuple[str, str]:
    name, _, version = word.partition("=")
    return name, version


def _words(release: Release, figure: str) -> tuple[str, ...]:
    return tuple((release.get(figure) or "").split())
