"""The table `[service.banner]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from rigspec.spec.other_services import ServiceTable

__all__ = ["Banner"]


class Banner(ServiceTable):
    """A text that is shown before log-in."""

    text: Annotated[str, StringConstraints(max_length=80)] = Field(description="Text")
    path: str = Field(default="/etc/rig/banner", description="File with the text")

    def list_packages(self, system: str) -> tuple[str, ...] | None:
        """Return no packages; other distributions than Debian are not supported."""
        return () if system.startswith("debian ") else None
