"""Components that a rig has though no table releases them."""

from __future__ import annotations

__all__ = ["NOTEBOOK", "NUMBERED", "PACKAGE_PREFIX", "RANKED", "UNLISTED", "WORDS"]

# Those that are one of a few words.
WORDS: dict[str, tuple[str, ...]] = {
    "accelerator": ("gpu", "cpu"),
    "avx": ("yes", "no"),
    "driver_source": ("nvidia", "distribution", "runfile", "none"),
    "forward_compatibility": ("no", "yes"),
    "interpreter": ("system", "conda", "pyenv", "uv"),
    "kernel_modules": ("open", "proprietary"),
    "provider": ("nvidia", "runfile", "debian", "conda", "wheels", "image"),
}

# Those of them whose words are in the order of preference.
RANKED = frozenset({"driver_source", "kernel_modules"})

# Those that are a number, known by what the tables say of them.
NUMBERED = frozenset(
    {"compute_capability", "cuda_runtime", "cudnn_cuda", "default_gcc", "gcc", "glibc"}
)

# Those of them whose releases no table lists: only their bounds are known.
UNLISTED = frozenset({"gcc"})

# What stands before the name of a Python package whose releases the lock will find.
PACKAGE_PREFIX = "package:"

# The package that has the notebook server, and the table that tells of it.
NOTEBOOK = "notebook"
