"""Models of ``[cuda]`` and ``[container]``."""

from typing import Annotated, Literal

from rigspec.spec.constraints import Limits, StringPattern
from rigspec.spec.image_reference import IMAGE
from rigspec.spec.tables import Field, Table
from rigspec.spec.types import Many, Request, Sha256, SystemPackage, Url

__all__ = ["Container", "Cuda", "Cudnn"]

KeyId = Annotated[
    str, StringPattern(r"[0-9A-Fa-f]{8,40}", "expected a key id of 8 to 40 hexadecimal digits")
]

Image = Annotated[
    str,
    Limits(max_length=300),
    StringPattern(
        IMAGE, "expected an image such as `ubuntu:22.04` or `registry.example.org/team/image:tag`"
    ),
]


class Cudnn(Table):
    """The cuDNN library."""

    version: Request = Field(description="Version of cuDNN")
    built_for: Request | None = Field(default=None, description="CUDA version that it is built for")
    url: Url | None = Field(default=None, description="URL of the tarball")
    sha256: Sha256 | None = Field(default=None, description="Checksum of the tarball")


class Cuda(Table):
    """The CUDA toolkit and its libraries."""

    toolkit: Request | None = Field(default=None, description="Version of the toolkit")
    cudnn: Request | Cudnn | None = Field(default=None, description="cuDNN: a version or a table")
    packages: Many[SystemPackage] | None = Field(
        default=None, description="Names of the packages to install (default: chosen by rigspec)"
    )
    repository_key: KeyId | None = Field(
        default=None, description="Id of the key that signs the package repository"
    )
    provider: Literal["nvidia", "runfile", "debian", "conda", "wheels", "image"] = Field(
        default="nvidia", description="Source of the toolkit"
    )
    nvblas: bool = Field(default=False, description="Use NVBLAS to run large BLAS calls on the GPU")


class Container(Table):
    """The containers of a rig."""

    base: Image | None = Field(default=None, description="Base image")
    driver: Literal["host", "container"] = Field(
        default="host",
        description=(
            "Source of the driver's kernel module: the host, or a container that builds and loads "
            "it, for a host that can only run containers"
        ),
    )
