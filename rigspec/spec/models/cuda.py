"""``[cuda]`` and ``[container]``."""

from typing import Annotated, Literal

from pydantic import Field

from rigspec.spec.image_reference import IMAGE
from rigspec.spec.types import Many, Request, Sha256, StringPattern, SystemPackage, Table, Url

__all__ = ["Container", "Cuda", "Cudnn"]

KeyId = Annotated[
    str, StringPattern(r"[0-9A-Fa-f]{8,40}", "a key is named by 8 to 40 hexadecimal digits")
]

Image = Annotated[
    str,
    Field(max_length=300),
    StringPattern(
        IMAGE, "write an image as `ubuntu:22.04` or `registry.example.org/team/image:tag`"
    ),
]


class Cudnn(Table):
    """A cuDNN as it is, or is to be, installed."""

    version: Request = Field(description="Its version.")
    built_for: Request | None = Field(default=None, description="The CUDA it was built for.")
    url: Url | None = Field(default=None, description="Where the tarball comes from.")
    sha256: Sha256 | None = Field(default=None, description="The tarball's checksum.")


class Cuda(Table):
    """The CUDA toolkit and its libraries."""

    toolkit: Request | None = Field(default=None, description="The toolkit's version.")
    cudnn: Request | Cudnn | None = Field(default=None, description="cuDNN, by version or whole.")
    packages: Many[SystemPackage] | None = Field(
        default=None, description="Package names to install, where rigspec is not to choose."
    )
    repository_key: KeyId | None = Field(
        default=None, description="The key that the package repository is trusted by."
    )
    provider: Literal["nvidia", "runfile", "debian", "conda", "wheels", "image"] = Field(
        default="nvidia", description="Where the toolkit comes from."
    )
    nvblas: bool = Field(default=False, description="BLAS through the GPU.")


class Container(Table):
    """The containers of this rig."""

    base: Image | None = Field(default=None, description="An image reference.")
    driver: Literal["host", "container"] = Field(
        default="host",
        description=(
            "Where the driver's kernel module comes from: the host's own system, or a container "
            "that builds and loads it, for a host that can run containers and nothing else."
        ),
    )
