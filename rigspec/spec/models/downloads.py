"""Model of ``[download]``."""

from rigspec.spec.tables import Field, Table
from rigspec.spec.types import AbsolutePath, Sha256, Url

__all__ = ["Download"]


class Download(Table):
    """A file to download."""

    url: Url = Field(description="URL of the file")
    to: AbsolutePath = Field(description="Destination path")
    sha256: Sha256 | None = Field(default=None, description="Checksum of the file")
