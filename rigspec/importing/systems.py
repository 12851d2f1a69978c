"""Operating systems as reports, image tags and files name them."""

from __future__ import annotations

import re

__all__ = ["find_system", "find_system_of_image", "is_plain_image"]

_LONG_NAME = re.compile(
    r"(?P<name>Ubuntu|Debian GNU/Linux|Rocky Linux|Red Hat Enterprise Linux|CentOS Linux"
    r"|AlmaLinux)\D*(?P<version>\d+(?:\.\d+)?)"
)
_NAMES = {
    "Ubuntu": "ubuntu",
    "Debian GNU/Linux": "debian",
    "Rocky Linux": "rocky",
    "Red Hat Enterprise Linux": "rhel",
    "CentOS Linux": "centos",
    "AlmaLinux": "almalinux",
}
_IMAGES = {
    "ubuntu": "ubuntu",
    "debian": "debian",
    "rockylinux": "rocky",
    "rockylinux/rockylinux": "rocky",
    "centos": "centos",
    "almalinux": "almalinux",
}
_PLAIN = frozenset({"python", "buildpack-deps"})
# `base:ubuntu-22.04`, `cpp:1-ubuntu-22.04`, `cpp:1-debian-12`, `12.4-ubuntu22.04`.
_VERSION_IN_TAG = re.compile(
    r"(?:^|-)(?P<name>ubuntu|debian)-?(?P<version>\d\d\.\d\d|\d\d(?!\.?\d))(?:-|$)"
)
_CODENAMES = {
    "xenial": "ubuntu 16.04",
    "bionic": "ubuntu 18.04",
    "focal": "ubuntu 20.04",
    "jammy": "ubuntu 22.04",
    "noble": "ubuntu 24.04",
    "resolute": "ubuntu 26.04",
    "stretch": "debian 9",
    "buster": "debian 10",
    "bullseye": "debian 11",
    "bookworm": "debian 12",
    "trixie": "debian 13",
}


def is_plain_image(name: str) -> bool:
    """Return whether an image has no more than a system, or than Python."""
    return name in _IMAGES or name in _PLAIN or name.startswith("devcontainers/")


def find_system(text: str) -> str | None:
    """Return the system that a text such as ``Ubuntu 22.04.4 LTS (x86_64)`` names."""
    match = _LONG_NAME.search(text)
    return None if match is None else f"{_NAMES[match['name']]} {match['version']}"


def find_system_of_image(name: str, tag: str) -> str | None:
    """Return the system of a distribution's image, or of a codename in a tag."""
    family = _IMAGES.get(name)
    version = re.match(r"\d+(?:\.\d+)?", tag)
    if family is not None and version is not None:
        return f"{family} {version[0]}"
    named = _VERSION_IN_TAG.search(tag)
    if named is not None:
        return f"{named['name']} {named['version']}"
    words = re.split(r"[-_.]", tag)
    return next((_CODENAMES[word] for word in words if word in _CODENAMES), None)
