"""The packages of a locked environment as values. All documents read the lock here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rigspec.lock.model import LockedEnv, LockedPythonPackage

__all__ = ["ChannelPackage", "PythonPackage", "list_conda_packages", "list_python_packages"]

_SUFFIXES = (".conda", ".tar.bz2")


@dataclass(frozen=True)
class PythonPackage(LockedPythonPackage):
    """A package; ``url`` is the address of its file, if the lock has it.

    ``is_tool`` is true for pip and its companions, which are installed first. ``is_direct`` is true
    for a package from an address, which no index has.
    """

    is_tool: bool = False
    is_direct: bool = False


@dataclass(frozen=True)
class ChannelPackage:
    """A package of a channel; ``depends`` are requirements by name."""

    name: str
    version: str
    url: str
    md5: str
    sha256: str
    depends: Mapping[str, str]

    @property
    def channel(self) -> str:
        """Return the address of the channel."""
        return self.url.rsplit("/", 2)[0]

    @property
    def build(self) -> str:
        """Return the build string, from the name of the file."""
        stem = self.url.rpartition("/")[2].removesuffix(f".{self.archive}")
        return stem.rpartition("-")[2]

    @property
    def build_number(self) -> str:
        """Return the number at the end of the build string, by which builds are ordered."""
        number = self.build.rpartition("_")[2]
        return number if number.isdecimal() else "0"

    @property
    def subdir(self) -> str:
        """Return the platform as channels name it: ``linux-64`` or ``noarch``."""
        return self.url.split("/")[-2]

    @property
    def archive(self) -> str:
        """Return the type of the file: ``conda`` or ``tar.bz2``."""
        return next((each[1:] for each in _SUFFIXES if self.url.endswith(each)), "conda")


def list_python_packages(env: LockedEnv) -> tuple[PythonPackage, ...]:
    """Return the packages that pip installs, tools included, sorted by name."""
    addresses = _read_addresses(env.pylock)
    found = {}
    for packages, is_tool in ((env.tools, True), (env.packages, False)):
        for package in packages:
            known = (addresses[each] for each in package.sha256 if each in addresses)
            values = {**vars(package), "url": package.url or next(known, None)}
            is_direct = package.url is not None
            found[package.name] = PythonPackage(**values, is_tool=is_tool, is_direct=is_direct)
    return tuple(found[name] for name in sorted(found))


def list_conda_packages(env: LockedEnv) -> tuple[ChannelPackage, ...]:
    """Return the packages that conda installs, sorted by name."""
    if not env.conda_lock:
        return ()
    import yaml

    entries = yaml.safe_load(env.conda_lock)["package"]
    return tuple(
        ChannelPackage(
            name=entry["name"],
            version=str(entry["version"]),
            url=entry["url"],
            md5=entry["hash"].get("md5") or "",
            sha256=entry["hash"].get("sha256") or "",
            depends=dict(entry.get("dependencies") or {}),
        )
        for entry in sorted(entries, key=lambda entry: str(entry["name"]))
        if entry.get("manager") == "conda"
    )


def _read_addresses(pylock: str) -> dict[str, str]:
    """Return the address of each file of a ``pylock.toml``, by sha256."""
    if not pylock:
        return {}
    import tomli

    return dict(_list_files(tomli.loads(pylock)))


def _list_files(pylock: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for package in pylock.get("packages", ()):
        sdist = [package["sdist"]] if "sdist" in package else []
        for file in (*package.get("wheels", ()), *sdist):
            yield file["hashes"]["sha256"], file["url"]
