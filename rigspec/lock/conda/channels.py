"""Conda channels: read at one address, locked with another that contains no host."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rigspec.frozen import dataclass

__all__ = [
    "CondaChannel",
    "get_alias_path",
    "list_channels",
    "resolve_alias",
    "restore_written_address",
]

# A bare channel name is below conda's setting `channel_alias`, which this variable sets; both
# conda-lock and the shell put in its value.
_ALIAS = "CONDA_CHANNEL_ALIAS"
_PLACEHOLDER = f"${{{_ALIAS}}}"


@dataclass(frozen=True)
class CondaChannel:
    """A channel: ``name`` as in the spec, ``address`` to read it from, ``written`` the
    prefix of a package's path in a lock.
    """

    name: str
    address: str
    written: str


def list_channels(names: Sequence[str], mirror: str | None) -> tuple[CondaChannel, ...]:
    """Return the channels, highest priority first.

    A bare name is looked up at the mirror, else at conda's own ``CONDA_CHANNEL_ALIAS``,
    else at conda's default.
    """
    return tuple(_channel(name.rstrip("/"), mirror) for name in names)


def restore_written_address(url: str, channels: Sequence[CondaChannel]) -> str:
    """Return a package's address as a lock has it."""
    for channel in channels:
        if url.startswith(channel.address + "/"):
            return channel.written + url[len(channel.address) :]
    return url


def get_alias_path(address: str) -> str | None:
    """Return the path after the alias in an address of a lock; None where it has its own host."""
    before, _, path = address.partition(f"{_PLACEHOLDER}/")
    return path if not before and path else None


def resolve_alias(text: str, mirror: str | None) -> str:
    """Return a text of the lock with the addresses of the mirror, else conda's own."""
    if _PLACEHOLDER not in text:
        return text
    return text.replace(_PLACEHOLDER, mirror.rstrip("/") if mirror is not None else _default())


def _channel(name: str, mirror: str | None) -> CondaChannel:
    if "://" in name:
        return CondaChannel(name, name, name)
    alias = (mirror or os.environ.get(_ALIAS) or _default()).rstrip("/")
    return CondaChannel(name, f"{alias}/{name}", f"{_PLACEHOLDER}/{name}")


def _default() -> str:
    import rattler

    return rattler.Channel("main").base_url.rstrip("/").rpartition("/")[0]
