"""Model of ``[download]``."""

from pydantic import Field

from rigspec.spec.types import AbsolutePath, Sha256, Table, Url

__all__ = ["Download"]


class Download(Table):
    """A file to download."""

    url: Url = Field(description="URL of the file")
    to: AbsolutePath = Field(description="Destination path")
    sha256: Sha256 | None = Field(default=None, description="Checksum of the file")
