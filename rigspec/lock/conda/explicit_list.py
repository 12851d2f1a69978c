"""The explicit list of conda, written and read.

It names md5 sums, as conda-lock renders it: a conda older than 24.9, which the installers of old
rigs include, reads no other. The sha256 is in conda-lock.yml.
"""

from __future__ import annotations

import re

from rigspec.lock.model import LockedChannelPackage, LockedConda

__all__ = ["format_explicit_list", "parse_explicit_list"]

_HEADER = """\
# Written by rigspec: do not edit.
# platform: {platform}
@EXPLICIT
"""
_PLATFORM = re.compile(r"(?m)^# platform: (\S+)$")
_ARCHIVES = (".conda", ".tar.bz2")


def format_explicit_list(conda: LockedConda) -> str:
    """Return the file that ``conda create --file`` reads."""
    lines = (f"{package.address}#{package.md5}\n" for package in conda.packages)
    return _HEADER.format(platform=conda.platform) + "".join(lines)


def parse_explicit_list(text: str) -> LockedConda:
    """Return the packages of a file that ``format_explicit_list`` wrote.

    Raises:
        ValueError: A line is not an address with a checksum, or there is no platform.

    """
    header, _, body = text.partition("@EXPLICIT\n")
    platform = _PLATFORM.search(header)
    if platform is None:
        raise ValueError("no platform")
    return LockedConda(platform[1], tuple(map(_parse_line, body.splitlines())))


def _parse_line(line: str) -> LockedChannelPackage:
    address, _, md5 = line.partition("#")
    stem = address.rpartition("/")[2]
    for archive in _ARCHIVES:
        stem = stem.removesuffix(archive)
    name, version, build = stem.rsplit("-", 2)
    return LockedChannelPackage(name, version, build, address, md5)
