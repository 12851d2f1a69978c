"""The whole language: what a rig file may say."""

from typing import Annotated, Literal

from pydantic import Field

from rigspec.spec.models.cuda import Container, Cuda
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.machine import Machine
from rigspec.spec.models.services import Download, Mirrors, Services, User
from rigspec.spec.types import GroupName, Many, Name, StringPattern, SystemPackage, Table

__all__ = ["Prepend", "Rig", "System"]

VariableName = Annotated[
    str,
    StringPattern(
        r"[A-Za-z_][A-Za-z0-9_]{0,199}", "this is not the name of an environment variable"
    ),
]
Value = Annotated[str, Field(max_length=4096)]
Folder = Annotated[
    str,
    Field(max_length=4096),
    # An empty entry of such a list is the current folder.
    StringPattern(r"[^:]+", "write one folder a value, and no colon: it stands between two"),
]


class Prepend(Table):
    """Values that go before what a variable holds already."""

    prepend: Many[Folder] = Field(description="The values, the first one first.")


class System(Table):
    """Packages and variables of the system."""

    packages: Many[SystemPackage] = Field(default=(), description="Packages to install.")
    groups: Many[GroupName] = Field(default=(), description="Groups to make, for users to share.")
    env: dict[VariableName, Value | Prepend] = Field(
        default={}, description="Environment variables of every session."
    )


class Rig(Table):
    """A rig, declared once."""

    rig: Literal[1] = Field(description="The version of the language.")
    name: Name = Field(description="The rig's name.")
    summary: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="What it is, in a line."
    )
    machine: dict[Name, Machine] = Field(default={}, description="The machines, by name.")
    cuda: Cuda | None = Field(default=None, description="The CUDA toolkit and cuDNN.")
    container: Container | None = Field(default=None, description="The container's base.")
    system: System | None = Field(default=None, description="Packages and variables.")
    env: dict[Name, Environment] = Field(default={}, description="Python environments, by name.")
    service: Services = Field(default_factory=Services, description="Services.")
    download: dict[Name, Download] = Field(default={}, description="Files, by name.")
    user: dict[Name, User] = Field(default={}, description="Accounts, by name.")
    mirrors: Mirrors = Field(
        default_factory=Mirrors, description="Where downloads come from instead."
    )
