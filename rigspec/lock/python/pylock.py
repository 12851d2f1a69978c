"""A locked environment as ``pylock.toml`` (PEP 751), which other installers read.

It carries the addresses of the index that was asked, so it is written on request only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from rigspec.lock.errors import index_failure
from rigspec.lock.model import LockedPythonPackage
from rigspec.lock.python.index.package_index import AvailableVersion, PackageIndex
from rigspec.lock.python.index.pages import hash_bytes
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import HashedPin

if TYPE_CHECKING:
    from packaging.pylock import Package
    from unearth import Link

__all__ = ["render_pylock"]

_File = TypeVar("_File")


def render_pylock(packages: Iterable[LockedPythonPackage], question: ResolveRequest) -> str:
    """The file for these packages, tools included, and the question's target.

    Raises LockError where the index no longer lists a file that is pinned.
    """
    import tomlkit
    from packaging.markers import Marker
    from packaging.pylock import Pylock
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    index = PackageIndex.of(question)
    found = sorted(packages, key=lambda package: package.name)
    series = "{}.{}".format(*question.target.series)
    here = f"sys_platform == 'linux' and platform_machine == '{question.target.arch}'"
    lock = Pylock(
        lock_version=Version("1.0"),
        environments=[Marker(here)] if question.target.series >= (3, 3) else None,
        requires_python=SpecifierSet(f"=={series}.*"),
        created_by="rigspec",
        packages=[
            _direct_package(each) if each.url is not None else _package(HashedPin.of(each), index)
            for each in found
        ],
    )
    lock.validate()
    return tomlkit.dumps(_plain(lock.to_dict()))


def _package(pin: HashedPin, index: PackageIndex) -> Package:
    from packaging.pylock import Package, PackageSdist, PackageWheel
    from packaging.utils import canonicalize_name

    offer = next((offer for offer in index.offers(pin.name) if offer.version == pin.version), None)
    links = _pinned_links(pin, offer)
    if not links:
        raise index_failure(f"{pin.name} {pin.version}", "the index no longer lists what is pinned")
    wheels = [_file_entry(PackageWheel, link) for link in links if link.is_wheel]
    sdists = [_file_entry(PackageSdist, link) for link in links if not link.is_wheel]
    return Package(
        name=canonicalize_name(pin.name),
        version=pin.version,
        wheels=wheels or None,
        sdist=sdists[0] if sdists else None,
    )


def _direct_package(package: LockedPythonPackage) -> Package:
    """Return a package from an address, which no index has."""
    from packaging.pylock import Package, PackageArchive
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    url, _, fragment = (package.url or "").partition("#")
    return Package(
        name=canonicalize_name(package.name),
        version=Version(package.version),
        archive=PackageArchive(
            url=_without_password(url),
            hashes={"sha256": package.sha256[0]},
            subdirectory=fragment.removeprefix("subdirectory=") or None,
        ),
    )


def _file_entry(kind: Callable[..., _File], link: Link) -> _File:
    return kind(
        name=link.filename,
        url=_without_password(link.normalized),
        upload_time=link.upload_time,
        hashes={"sha256": hash_bytes(link)[0]},
    )


def _pinned_links(pin: HashedPin, offer: AvailableVersion | None) -> list[Link]:
    files = offer.files if offer is not None else ()
    return [file.link for file in files if pin.sha256.intersection(hash_bytes(file.link))]


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


def _plain(value: Any) -> Any:
    """The mappings of packaging's own kind as dicts, which tomlkit writes."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value
