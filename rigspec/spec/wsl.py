"""Lines that install a Linux driver on a machine whose driver is that of Windows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.models.machine import Driver
from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import Document, KeyPath

__all__ = ["check_wsl"]

# Packages of NVIDIA's repository and of the distributions that install a driver, such as the
# packages `cuda` and `cuda-drivers` that NVIDIA's CUDA on WSL User Guide warns of.
_WITH_DRIVER = re.compile(
    r"cuda|cuda-\d+-\d+|cuda-runtime-\d+-\d+|cuda-demo-suite-\d+-\d+|cuda-drivers(-.*)?"
    r"|nvidia-(driver|dkms|kernel|open|utils|compute-utils|headless)(-.*)?|libnvidia-compute-.*|libcuda1"
)


def check_wsl(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each line that would install a Linux driver or set its kernel on WSL."""
    machines = {name: machine for name, machine in rig.machine.items() if machine.kind == "wsl"}
    for name, machine in machines.items():
        if isinstance(machine.driver, Driver):
            path: KeyPath = ("machine", name, "driver")
            message = "the driver of WSL is that of Windows: it cannot be installed on Linux"
            advice = 'write the version that `nvidia-smi` prints: `driver = "576.40"`'
            yield _error(document, path, message, advice)
        if machine.kernel_args:
            path = ("machine", name, "kernel_args")
            message = "WSL has the kernel of Windows: `kernel_args` has no effect"
            yield _error(document, path, message, "set `kernelCommandLine` in `.wslconfig`")
    if machines:
        for path, package in _packages(rig):
            if _WITH_DRIVER.fullmatch(package.partition("=")[0]):
                message = f"`{package}` installs a Linux driver, which breaks the GPU in WSL"
                advice = "list packages without a driver, such as `cuda-toolkit-12-8`"
                yield _error(document, path, message, advice)


def _packages(rig: Rig) -> Iterator[tuple[KeyPath, str]]:
    cuda = (rig.cuda.packages if rig.cuda is not None else None) or ()
    system = rig.system.packages if rig.system is not None else ()
    for table, packages in (("cuda", cuda), ("system", system)):
        for index, package in enumerate(packages):
            yield (table, "packages", index), package


def _error(document: Document, path: KeyPath, message: str, advice: str) -> Diagnostic:
    span = document.span(path, label="on WSL")
    return Diagnostic("RS015", Severity.ERROR, message, spans=(span,), help=(advice,))
