"""Conda channels: asked at one address, written into a lock by another that holds no host."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CondaChannel", "alias_path", "channels_of", "with_alias", "written_address"]

# A bare channel name stands below conda's setting `channel_alias`, whose variable this is; both
# conda-lock and the shell put in its value.
_ALIAS = "CONDA_CHANNEL_ALIAS"
_PLACEHOLDER = f"${{{_ALIAS}}}"


@dataclass(frozen=True)
class CondaChannel:
    """A channel: ``name`` as the spec has it, ``address`` where it is asked, ``written`` what
    stands before a package's path in a lock.
    """

    name: str
    address: str
    written: str


def channels_of(names: Sequence[str], mirror: str | None) -> tuple[CondaChannel, ...]:
    """The channels, highest priority first.

    A bare name is looked for at the mirror, else where conda's own ``CONDA_CHANNEL_ALIAS`` says,
    else where conda looks by default.
    """
    return tuple(_channel(name.rstrip("/"), mirror) for name in names)


def written_address(url: str, channels: Sequence[CondaChannel]) -> str:
    """A package's address as a lock has it."""
    for channel in channels:
        if url.startswith(channel.address + "/"):
            return channel.written + url[len(channel.address) :]
    return url


def alias_path(address: str) -> str | None:
    """What follows the alias in an address of a lock; None where it names its own host."""
    before, _, path = address.partition(f"{_PLACEHOLDER}/")
    return path if not before and path else None


def with_alias(text: str, mirror: str | None) -> str:
    """A text of the lock with the addresses that an artifact needs: the mirror's, else conda's."""
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
