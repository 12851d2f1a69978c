"""The result of the resolver: exact versions for one machine of a rig.

A leaf module: diagnostics show resolutions, the lock pins them, the plan builds them.
All versions are plain strings as their publisher writes them (``7.6.5.32``, ``ubuntu 16.04``).
"""

from __future__ import annotations

from rigspec.frozen import dataclass

__all__ = [
    "DEFAULT_ARCH",
    "NO_DRIVER",
    "UNKNOWN_SYSTEM",
    "Build",
    "EnvResolution",
    "Pin",
    "Resolution",
    "is_page_of_links",
]

# The architecture of a machine that neither declares one nor has parts for another.
DEFAULT_ARCH = "x86_64"

# The source of a driver that the machine already has.
NO_DRIVER = "none"

# The system of a base image of unknown contents.
UNKNOWN_SYSTEM = "unknown"


@dataclass(frozen=True, order=True)
class Pin:
    """One product at one exact version."""

    name: str
    version: str


def is_page_of_links(address: str) -> bool:
    """Return whether an address is a page of links to files and not an index."""
    return address.endswith(".html")


@dataclass(frozen=True)
class Build:
    """A build of a framework that the default package index does not have.

    ``requirement`` is the distribution that carries it (``torch==2.7.1+cu118``), ``index`` the
    address of the index or of the page with links to its files (empty in a lock), ``cuda`` the
    CUDA it is built for.
    For a package of conda the requirement is a match spec and the index names the channels.
    """

    framework: str
    requirement: str
    index: str
    cuda: str | None = None

    @property
    def name(self) -> str:
        """Return the build as its index calls it: ``cu118``."""
        return self.requirement.partition("+")[2]

    @property
    def has_page_of_links(self) -> bool:
        """Return whether the address is a page of links to files, not an index."""
        return is_page_of_links(self.index)


@dataclass(frozen=True)
class EnvResolution:
    """One isolated Python environment.

    ``frameworks`` names products of the matrix, ``distributions`` the packages of the Python
    index that carry them here (``tensorflow`` may be ``tensorflow-gpu``). ``constraints`` are
    PEP 508 requirements that the lock must obey because of a rule of the matrix.
    ``companions`` are packages that a framework imports without declaring them.
    ``installer`` is the release that contains the interpreter (``Anaconda3 5.2.0``), if one does.
    ``cuda`` is the CUDA release inside the wheels of the frameworks, if any.
    ``interpreter`` is where Python comes from: ``system``, ``uv``, ``pyenv`` or ``conda``.
    ``builds`` are the frameworks that come from another index than the default one.
    """

    name: str
    python: str
    pip: str
    frameworks: tuple[Pin, ...] = ()
    distributions: tuple[Pin, ...] = ()
    constraints: tuple[str, ...] = ()
    companions: tuple[str, ...] = ()
    installer: str | None = None
    cuda: str | None = None
    builds: tuple[Build, ...] = ()
    interpreter: str = "system"


@dataclass(frozen=True)
class Resolution:
    """The resolved versions of one machine; ``None`` for layers that the rig does not have.

    ``driver_source`` is where the driver is installed from (``nvidia``, ``distribution``,
    ``runfile``), ``none`` where the machine has it already; ``kernel_modules`` are ``open`` or
    ``proprietary``. Both are ``None`` in a lock that was made before they were decided.
    ``cuda_provider`` is where packages of CUDA come from: as the spec states it, else as decided.
    ``docker`` is the version of the container engine that is installed: that of the system's
    packages as the matrix knows them, which updates may have moved on.
    """

    machine: str | None
    os: str
    arch: str
    accelerator: str
    glibc: str | None = None
    driver: str | None = None
    cuda: str | None = None
    cudnn: str | None = None
    cudnn_cuda: str | None = None
    envs: tuple[EnvResolution, ...] = ()
    driver_source: str | None = None
    kernel_modules: str | None = None
    cuda_provider: str | None = None
    docker: str | None = None

    @property
    def architecture_remark(self) -> str:
        """Return " on aarch64" for a person; empty for the default architecture."""
        return "" if self.arch == DEFAULT_ARCH else f" on {self.arch}"


def has_other_cuda(resolution: Resolution, env: EnvResolution) -> bool:
    """Return whether the toolkit and the wheels of an environment differ in CUDA's major version.

    ``torch.utils.cpp_extension`` compiles no extension then: it raises RuntimeError.
    """
    if resolution.cuda is None or env.cuda is None:
        return False
    return resolution.cuda.partition(".")[0] != env.cuda.partition(".")[0]


def suggest_same_cuda(
    framework: str, resolution: Resolution, env: EnvResolution
) -> tuple[str, ...]:
    """Return what to do if the toolkit and a framework have another CUDA."""
    major = (resolution.cuda or "").partition(".")[0]
    return (
        f'set `toolkit = "{env.cuda}"` in `[cuda]`',
        f"or request a build of {framework} for CUDA {major}: `rigspec matrix show {framework}` "
        "lists them",
    )
