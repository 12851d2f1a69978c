"""The model of a whole rig file."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from rigspec.spec.constraints import Limits, StringPattern
from rigspec.spec.models.check import CheckSettings
from rigspec.spec.models.cuda import Container, Cuda
from rigspec.spec.models.downloads import Download
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.machine import Machine
from rigspec.spec.models.mirrors import Mirrors
from rigspec.spec.models.services import Services
from rigspec.spec.models.users import User
from rigspec.spec.tables import Field, Table
from rigspec.spec.types import GroupName, Many, Name, SystemPackage, Url, VariableName

__all__ = ["Index", "Prepend", "Rig", "System", "select_rig_model"]

Value = Annotated[str, Limits(max_length=4096)]
IndexName = Annotated[
    str,
    StringPattern(
        r"[a-z0-9][a-z0-9._-]{0,99}",
        "expected lower-case letters, digits, `.`, `-` and `_`, such as `nvidia`, or the name of a "
        "build such as `cu118`",
    ),
]
PackagePattern = Annotated[
    str,
    Limits(max_length=200),
    StringPattern(
        r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|[A-Za-z0-9][A-Za-z0-9._-]+\*",
        "expected the name of a Python package, or the start of names such as `tensorrt*`",
    ),
]
Folder = Annotated[
    str,
    Limits(max_length=4096),
    # An empty entry in a list such as PATH means the current folder.
    StringPattern(
        r"[^:]+", "expected one folder without a colon; add more folders as separate values"
    ),
]


class Prepend(Table):
    """Values to prepend to a variable."""

    prepend: Many[Folder] = Field(description="Values to prepend, in order")


class System(Table):
    """Packages, groups and variables of the system."""

    packages: Many[SystemPackage] = Field(default=(), description="Packages to install")
    groups: Many[GroupName] = Field(default=(), description="Groups to create")
    env: dict[VariableName, Value | Prepend] = Field(
        default={}, description="Environment variables of every session"
    )


class Index(Table):
    """A package index in addition to the default one: for named packages, or for a build."""

    url: Url = Field(description="Address of the index")
    packages: Many[PackagePattern] = Field(
        default=(),
        description=(
            "Packages that come from this index and no other; `tensorrt*` is every package whose "
            "name starts so (default: the builds with the name of the index)"
        ),
    )


class Rig(Table):
    """A rig."""

    rig: Literal[1] = Field(description="Version of the spec language")
    name: Name = Field(description="Name of the rig")
    summary: Annotated[str, Limits(max_length=200)] | None = Field(
        default=None, description="Description in one line"
    )
    machine: dict[Name, Machine] = Field(default={}, description="Machines, by name")
    cuda: Cuda | None = Field(default=None, description="CUDA toolkit and cuDNN")
    container: Container | None = Field(default=None, description="Containers")
    system: System | None = Field(
        default=None, description="Packages, groups and variables of the system"
    )
    env: dict[Name, Environment] = Field(default={}, description="Python environments, by name")
    service: Services = Field(default_factory=Services, description="Services")
    download: dict[Name, Download] = Field(default={}, description="Files to download, by name")
    user: dict[Name, User] = Field(default={}, description="User accounts, by name")
    index: dict[IndexName, Index] = Field(
        default={},
        description=(
            "Package indexes for named packages, and for builds by the name of the build (`cu118`)"
        ),
    )
    mirrors: Mirrors = Field(default_factory=Mirrors, description="Mirrors for downloads")
    check: CheckSettings = Field(
        default_factory=CheckSettings, description="Settings of `rigspec check`"
    )


def select_rig_model(value: Mapping[str, Any]) -> tuple[type[Rig], dict[str, str]]:
    """Return the model of a rig file, and the services whose package cannot be imported."""
    services = value.get("service")
    others = services.keys() - Services.model_fields.keys() if isinstance(services, dict) else ()
    if not others:
        return Rig, {}
    from rigspec.spec.other_services import extend_rig

    return extend_rig(sorted(others))
