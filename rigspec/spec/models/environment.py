"""``[env.NAME]``: an isolated Python environment."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rigspec.spec.types import Many, Name, PackageName, Request, StringPattern, Table, Url

__all__ = ["Environment", "Interpreter"]

InterpreterKind = Literal["system", "pyenv", "conda", "uv"]
Scalar = Annotated[str, StringConstraints(max_length=4096)] | int | float | bool
SettingName = Annotated[
    str,
    StringPattern(r"[A-Za-z][A-Za-z0-9_.-]{0,99}", "a settings key is made of letters and digits"),
]
Setting = Scalar | Many[Scalar]
InstallerRequest = Annotated[
    str,
    StringPattern(
        r"[A-Za-z][A-Za-z0-9_-]{0,99} [A-Za-z0-9._+!*,<>=~][A-Za-z0-9._+!*,<>=~ -]{0,99}",
        "name the installer and its version: `Anaconda3 5.0.1`",
    ),
]
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
ChannelName = Annotated[
    str,
    StringConstraints(max_length=200),
    StringPattern(
        rf"{_PART}(?:/{_PART})*", "write a channel by its name or its address, https:// in front"
    ),
]


class Interpreter(Table):
    """Where an interpreter comes from, to the very installer."""

    from_: InterpreterKind = Field(alias="from", description="Who brings the interpreter.")
    installer: InstallerRequest | None = Field(
        default=None, description="The installer that brings it: `Anaconda3 5.0.1`."
    )


class Environment(Table):
    """One environment: its interpreter, its frameworks and packages."""

    python: Request | None = Field(default=None, description="The Python version.")
    interpreter: InterpreterKind | Interpreter = Field(
        default="system", description="Who brings the interpreter."
    )
    manager: Literal["venv", "conda"] = Field(
        default="venv", description="What makes the environment."
    )
    pip: Request | None = Field(default=None, description="The version of pip in it.")
    frameworks: dict[PackageName, Request] = Field(
        default={}, description="Frameworks that the matrix knows."
    )
    packages: dict[PackageName, Request] = Field(default={}, description="Further Python packages.")
    channels: Many[Url | ChannelName] = Field(default=(), description="Conda channels.")
    as_of: dt.date | None = Field(default=None, description="Nothing newer than this day.")
    blas: Literal["openblas", "mkl"] | None = Field(
        default=None, description="The BLAS that NumPy computes with."
    )
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None, description="How many threads a program of it computes with."
    )
    config: dict[Name, dict[SettingName, Setting | dict[SettingName, Setting]]] = Field(
        default={}, description="Settings files of frameworks and of pip and conda, by name."
    )

    @property
    def interpreter_kind(self) -> str:
        """Who brings the interpreter, however it was written."""
        if isinstance(self.interpreter, Interpreter):
            return self.interpreter.from_
        return self.interpreter

    @property
    def installer(self) -> str | None:
        """The installer that the spec insists on."""
        return self.interpreter.installer if isinstance(self.interpreter, Interpreter) else None
