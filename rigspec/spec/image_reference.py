"""References to container images: ``registry/repository:tag@digest``."""

from __future__ import annotations

from dataclasses import replace

from rigspec.frozen import dataclass

__all__ = ["IMAGE", "REGISTRY", "ImageReference"]

# The grammar of https://github.com/distribution/reference, without IPv6 addresses.
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
    """A parsed image reference; ``host`` is None for the default registry."""

    host: str | None
    path: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Parse a reference that matches ``IMAGE``."""
        name, _, digest = text.partition("@")
        first, slash, rest = name.partition("/")
        # Distinguishes `localhost:5000/x` from the repository `nvidia/cuda`.
        has_host = bool(slash) and (first == "localhost" or "." in first or ":" in first)
        path, _, tag = (rest if has_host else name).partition(":")
        return cls(first if has_host else None, path, tag or None, digest or None)

    @property
    def name(self) -> str:
        """Return the reference without its digest."""
        prefix = f"{self.host}/" if self.host is not None else ""
        return f"{prefix}{self.path}" + (f":{self.tag}" if self.tag is not None else "")

    def __str__(self) -> str:
        return self.name + (f"@{self.digest}" if self.digest is not None else "")

    def with_registry(self, registry: str | None) -> ImageReference:
        """Return the image on a registry (``host:port/folder``), unless it already has a host."""
        if self.host is not None or registry is None:
            return self
        host, _, folder = registry.partition("/")
        return replace(self, host=host, path=f"{folder}/{self.path}" if folder else self.path)
