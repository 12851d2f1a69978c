"""The interpreter of an environment on its machine, described without having it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.version import Version

from rigspec.resolution import EnvResolution, Resolution

__all__ = ["TargetInterpreter", "describe_target_interpreter"]

# The oldest glibc of each legacy tag, and the pip that first read it:
# https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
_LEGACY = (("manylinux2014", (2, 17), "19.3"), ("manylinux2010", (2, 12), "19.0"))
_OLDEST = ("manylinux1", (2, 5), "8.1")
_PEP_600_PIP = "20.3"


@dataclass(frozen=True)
class TargetInterpreter:
    """A CPython: ``version`` as in ``2.7.18``, ``glibc`` as in ``(2, 31)``.

    ``virtualenv`` is the last of its releases that makes environments for it, where one is known.
    """

    version: str
    glibc: tuple[int, int]
    arch: str
    pip: str
    virtualenv: str | None = None

    @property
    def series(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor, *_ = self.version.split(".")
        return int(major), int(minor)

    @property
    def abi(self) -> str:
        """The ABI tag of a distribution's or conda's CPython on Linux."""
        major, minor = self.series
        flags = "mu" if major == 2 else "m" if minor < 8 else ""
        return f"cp{major}{minor}{flags}"

    def platforms(self) -> Iterator[str]:
        """The platform tags that the environment's own pip reads, best first."""
        pip = Version(self.pip)
        for minor in range(self.glibc[1], 4, -1):
            if pip >= Version(_PEP_600_PIP):
                yield f"manylinux_{self.glibc[0]}_{minor}_{self.arch}"
            for tag, glibc, least in (*_LEGACY, _OLDEST):
                if glibc == (2, minor) and pip >= Version(least):
                    yield f"{tag}_{self.arch}"
        yield f"linux_{self.arch}"

    def markers(self) -> dict[str, str]:
        """PEP 508's marker environment, as this interpreter would report it."""
        major, minor = self.series
        full = self.version if self.version.count(".") > 1 else f"{self.version}.0"
        return {
            "implementation_name": "cpython" if major > 2 else "",
            "implementation_version": full if major > 2 else "0",
            "os_name": "posix",
            "platform_machine": self.arch,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": f"{major}.{minor}",
            "sys_platform": "linux" if major > 2 else "linux2",
            "extra": "",
        }


def describe_target_interpreter(
    resolution: Resolution, env: EnvResolution, virtualenv: str | None
) -> TargetInterpreter:
    """The interpreter of an environment on its machine."""
    major, minor = (resolution.glibc or "2.17").split(".")[:2]
    glibc = int(major), int(minor)
    return TargetInterpreter(env.python, glibc, resolution.arch, env.pip, virtualenv)
