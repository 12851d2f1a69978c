"""Models of ``[env.NAME]``, a Python environment."""

import datetime as dt
from typing import Annotated, Literal

from rigspec.spec.constraints import BeforeValidator, Limits, StringPattern
from rigspec.spec.requirement_strings import read_requirement_strings
from rigspec.spec.tables import Field, Table
from rigspec.spec.types import (
    FrameworkRequest,
    MachineNames,
    Many,
    Name,
    PackageName,
    Request,
    Sha256,
    Text,
    Url,
)

__all__ = ["Environment", "Interpreter", "PackageSource"]

InterpreterKind = Literal["system", "pyenv", "conda", "uv"]
Scalar = Annotated[str, Limits(max_length=4096)] | int | float | bool
SettingName = Annotated[
    str,
    StringPattern(
        r"[A-Za-z][A-Za-z0-9_.-]{0,99}",
        "expected a settings key of letters, digits, `_`, `.` and `-`",
    ),
]
Setting = Scalar | Many[Scalar]
InstallerRequest = Annotated[
    str,
    StringPattern(
        r"[A-Za-z][A-Za-z0-9_-]{0,99} [A-Za-z0-9._+!*,<>=~][A-Za-z0-9._+!*,<>=~ -]{0,99}",
        "expected an installer and its version, such as `Anaconda3 5.0.1`",
    ),
]
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
ChannelName = Annotated[
    str,
    Limits(max_length=200),
    StringPattern(
        rf"{_PART}(?:/{_PART})*", "expected the name of a channel, or its URL with https://"
    ),
]


SourceFile = Annotated[
    str,
    Limits(max_length=4096),
    # The name has a dot, and the path stays below the folder of the spec or goes up from it.
    StringPattern(
        r"(?:\.{1,2}/|[A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_.-]*[.][A-Za-z0-9_-]+"
        r"|(?:\.{1,2}/)+(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_.-]+",
        "expected a path relative to the spec, such as `pyproject.toml` or `./Dockerfile`",
    ),
]

Frameworks = Annotated[
    dict[PackageName, FrameworkRequest], BeforeValidator(read_requirement_strings)
]
Commit = Annotated[
    str,
    StringPattern(
        r"[0-9a-f]{40}",
        "expected a commit of 40 lower-case hexadecimal digits, not a branch or tag",
    ),
]
PackageVersion = Annotated[
    str,
    Limits(max_length=100),
    StringPattern(
        r"[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc|\.post|\.dev)[0-9]+)*(?:\+[a-z0-9]+(?:\.[a-z0-9]+)*)?",
        "expected a whole version, such as `0.6` or `1.2.0.post1`",
    ),
]
Subdirectory = Annotated[
    str,
    Limits(max_length=200),
    StringPattern(
        r"(?!\.\.?(?:/|$))[A-Za-z0-9_.-]+(?:/(?!\.\.?(?:/|$))[A-Za-z0-9_.-]+)*",
        "expected a folder of the repository, such as `bindings/torch`",
    ),
]


class PackageSource(Table):
    """A Python package from a commit of a git repository, or from a file with a checksum."""

    git: Url | None = Field(default=None, description="URL of the git repository")
    rev: Commit | None = Field(default=None, description="Commit of the repository, in full")
    subdirectory: Subdirectory | None = Field(
        default=None, description="Folder of the package in the repository or archive"
    )
    url: Url | None = Field(default=None, description="URL of a wheel or a source archive")
    sha256: Sha256 | None = Field(default=None, description="Checksum of the file at `url`")
    version: PackageVersion | None = Field(
        default=None,
        description="Version of the package (default: read from its files)",
    )
    requires: Many[Text] | None = Field(
        default=None,
        description="Requirements of the package (default: read from its files)",
    )


Packages = Annotated[
    dict[PackageName, FrameworkRequest | PackageSource], BeforeValidator(read_requirement_strings)
]


class Interpreter(Table):
    """The source of a Python interpreter."""

    from_: InterpreterKind = Field(alias="from", description="Source of the Python interpreter")
    installer: InstallerRequest | None = Field(
        default=None, description="Installer and its version, such as `Anaconda3 5.0.1`"
    )


class Environment(Table):
    """A Python environment: interpreter, frameworks and packages."""

    from_: SourceFile | None = Field(
        default=None,
        alias="from",
        description=(
            "File with Python, channels and packages of the environment, such as "
            "`pyproject.toml`; keys of the spec replace those of the file"
        ),
    )
    machines: MachineNames | None = Field(
        default=None, description="Machines that have the environment (default: all)"
    )
    python: Request | None = Field(default=None, description="Python version")
    interpreter: InterpreterKind | Interpreter | None = Field(
        default=None,
        description=(
            "Source of the Python interpreter (default: the system if it has that Python, else uv, "
            "else pyenv; conda if it manages the environment)"
        ),
    )
    manager: Literal["venv", "conda"] = Field(
        default="venv", description="Tool that creates the environment"
    )
    pip: Request | None = Field(default=None, description="Version of pip")
    frameworks: Frameworks = Field(default={}, description="Frameworks of the matrix")
    packages: Packages = Field(
        default={},
        description=(
            "Other Python packages: a version, or `{ git, rev }` or `{ url, sha256 }` of one that "
            "no package index has"
        ),
    )
    channels: Many[Url | ChannelName] = Field(default=(), description="Conda channels")
    as_of: dt.date | None = Field(
        default=None, description="Ignore packages uploaded after this day"
    )
    blas: Literal["openblas", "mkl"] | None = Field(
        default=None, description="BLAS library of NumPy"
    )
    threads: Annotated[int, Limits(ge=1, le=1024)] | None = Field(
        default=None, description="Number of threads for numerical libraries"
    )
    config: dict[Name, dict[SettingName, Setting | dict[SettingName, Setting]]] = Field(
        default={}, description="Settings files of frameworks, pip and conda, by program"
    )

    @property
    def requests(self) -> dict[str, str]:
        """Return the version requests of the packages that an index has, by name."""
        return {name: line for name, line in self.packages.items() if isinstance(line, str)}

    @property
    def sources(self) -> dict[str, PackageSource]:
        """Return the packages that come from a repository or a file, by name."""
        return {
            name: line for name, line in self.packages.items() if isinstance(line, PackageSource)
        }

    @property
    def has_free_python(self) -> bool:
        """Return whether the spec leaves the Python open, so that a lock can choose another one."""
        return self.python is None and self.manager == "venv" and self.interpreter_kind != "system"

    @property
    def interpreter_kind(self) -> str | None:
        """Return the source of the interpreter; None if the spec leaves it open."""
        if isinstance(self.interpreter, Interpreter):
            return self.interpreter.from_
        if self.interpreter is None and self.manager == "conda":
            return "conda"
        return self.interpreter

    @property
    def installer(self) -> str | None:
        """Return the requested installer."""
        return self.interpreter.installer if isinstance(self.interpreter, Interpreter) else None
