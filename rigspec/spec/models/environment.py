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
    Url,
)

__all__ = ["Environment", "Interpreter"]

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

Packages = Annotated[dict[PackageName, FrameworkRequest], BeforeValidator(read_requirement_strings)]


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
    frameworks: Packages = Field(default={}, description="Frameworks of the matrix")
    packages: Packages = Field(default={}, description="Other Python packages")
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
