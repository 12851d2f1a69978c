"""Model of ``[mirrors]``."""

from typing import Annotated

from rigspec.spec.constraints import StringPattern
from rigspec.spec.image_reference import REGISTRY
from rigspec.spec.tables import Field, Table
from rigspec.spec.types import (
    AptMirror,
    SeedUrl,
    Url,
)

__all__ = ["Mirrors"]


Registry = Annotated[
    str,
    StringPattern(REGISTRY, "expected a registry such as `registry.example.org:5000/folder`"),
]


class Mirrors(Table):
    """Mirrors for downloads."""

    pypi: Url | None = Field(default=None, description="Python package index")
    apt: AptMirror | None = Field(
        default=None,
        description=(
            "Mirror of the distribution; `{distribution}` is replaced by the name of the archive "
            "(debian, debian-security, ubuntu), `{snapshot}` by the locked time"
        ),
    )
    dnf: Url | None = Field(
        default=None,
        description="Mirror of the dnf repositories of the system and EPEL, with the same paths",
    )
    conda: Url | None = Field(default=None, description="Mirror of conda channels")
    nvidia: Url | None = Field(default=None, description="Mirror of NVIDIA's downloads")
    files: Url | None = Field(default=None, description="Folder with files by name")
    seed: SeedUrl | None = Field(
        default=None,
        description=(
            "Folder with the files of `cloud-init/seed/`, which the first boot downloads if they "
            "exceed the provider's limit for user-data; the instance's role reads `s3://` and "
            "`gs://`"
        ),
    )
    images: Registry | None = Field(
        default=None,
        description="Default registry for images without one, such as `host:port/folder`",
    )
