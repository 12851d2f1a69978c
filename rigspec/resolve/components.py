"""The components of a rig and their display names."""

from __future__ import annotations

from rigspec.matrix.components import PACKAGE_PREFIX

__all__ = [
    "DERIVED",
    "ENV_SCOPED",
    "MAY_BE_UNKNOWN",
    "NEWEST_FIRST",
    "NOTHING",
    "OPTIONAL",
    "UNKNOWN",
    "get_diagnostic_name",
    "get_display_name",
]

# Components that no line of the matrix releases on their own: they come with another one.
# component -> (the words a person reads, the name used in a diagnostic's `between`)
DERIVED: dict[str, tuple[str, str]] = {
    "accelerator": ("accelerator", "gpu"),
    "arch": ("architecture", "arch"),
    "as_of": ("as_of", "as_of"),
    "avx": ("AVX instructions", "cpu"),
    "compute_capability": ("compute capability", "gpu"),
    "cuda_runtime": ("CUDA in the wheels", "cuda"),
    "cudnn_cuda": ("cuDNN built for CUDA", "cudnn"),
    "default_gcc": ("the system's own GCC", "gcc"),
    "driver_source": ("driver from", "driver"),
    "forward_compatibility": ("forward compatibility", "driver"),
    "gcc": ("GCC", "gcc"),
    "glibc": ("glibc", "glibc"),
    "interpreter": ("interpreter from", "python"),
    "kernel_modules": ("kernel modules", "driver"),
    "platform": ("platform", "os"),
    "provider": ("CUDA packages from", "cuda"),
}

# Components that every environment of a rig has for itself.
ENV_SCOPED = frozenset({"cuda_runtime", "installer", "interpreter", "pip", "python"})

# Which component gets its newest release first, after the frameworks and before all others.
NEWEST_FIRST = (
    "python",
    "cuda",
    "cudnn",
    "driver_source",
    "driver",
    "os",
    "docker",
    "installer",
    "pip",
)

# What a component is where no source says it, and the components that may be so.
UNKNOWN = "unknown"
MAY_BE_UNKNOWN = frozenset({"default_gcc"})

# What a component is that a rig may do without, though rules speak of it.
NOTHING = "none"
OPTIONAL = frozenset({"cuda_runtime"})


def get_display_name(component: str, title: str | None = None) -> str:
    """Return the display name of a component: its product's title, or the one above."""
    if title is not None:
        return title
    if component in DERIVED:
        return DERIVED[component][0]
    return component.removeprefix(PACKAGE_PREFIX)


def get_diagnostic_name(component: str) -> str:
    """Return the name a diagnostic's ``components`` uses for a component."""
    if component in DERIVED:
        return DERIVED[component][1]
    return component.removeprefix(PACKAGE_PREFIX)
