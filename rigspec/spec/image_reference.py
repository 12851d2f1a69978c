"""The name of an image, as every container tool writes it: ``registry/repository:tag@digest``."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["IMAGE", "REGISTRY", "ImageReference"]

# The grammar of https://github.com/distribution/reference, less IPv6 addresses.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PORT = r":[0-9]{1,5}"
_HOST = rf"(?:(?:localhost|{_LABEL}(?:\.{_LABEL})+)(?:{_PORT})?|{_LABEL}{_PORT})"
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"

IMAGE = rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::{_TAG})?(?:@{_DIGEST})?"
REGISTRY = rf"{_HOST}(?:/{_PART})*"


@dataclass(frozen=True)
class ImageReference:
    """``host`` is None for a plain name, which stands on whatever registry the user has."""

    host: str | None
    path: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """A reference that has the form ``IMAGE``."""
        name, _, digest = text.partition("@")
        first, slash, rest = name.partition("/")
        # What tells `localhost:5000/x` from the repository `nvidia/cuda`.
        named = bool(slash) and (first == "localhost" or "." in first or ":" in first)
        path, _, tag = (rest if named else name).partition(":")
        return cls(first if named else None, path, tag or None, digest or None)

    @property
    def name(self) -> str:
        """The reference without its digest."""
        where = f"{self.host}/" if self.host is not None else ""
        return f"{where}{self.path}" + (f":{self.tag}" if self.tag is not None else "")

    def __str__(self) -> str:
        return self.name + (f"@{self.digest}" if self.digest is not None else "")

    def under(self, registry: str | None) -> ImageReference:
        """The same image on a registry (``host:port/folder``); one that names its own stays."""
        if self.host is not None or registry is None:
            return self
        host, _, folder = registry.partition("/")
        return replace(self, host=host, path=f"{folder}/{self.path}" if folder else self.path)
