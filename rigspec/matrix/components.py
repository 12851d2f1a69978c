"""Components of a rig that have no table of releases."""

from __future__ import annotations

__all__ = [
    "CHANNEL_SUFFIX",
    "ENUMERATED",
    "JUPYTERLAB",
    "NOTEBOOK",
    "NUMERIC",
    "PACKAGE_PREFIX",
    "RANKED",
    "UNLISTED",
    "UNLISTED_PACKAGES",
    "get_channel_product",
]

# Components with a fixed set of values.
ENUMERATED: dict[str, tuple[str, ...]] = {
    "accelerator": ("gpu", "cpu"),
    "arch": ("x86_64", "aarch64"),
    "avx": ("yes", "no"),
    "driver_source": ("nvidia", "distribution", "runfile", "none"),
    "forward_compatibility": ("no", "yes"),
    "interpreter": ("system", "uv", "pyenv", "conda"),
    "kernel_modules": ("open", "proprietary"),
    "platform": ("linux", "wsl"),
    "provider": ("nvidia", "runfile", "debian", "conda", "wheels", "image"),
}

# Enumerated components whose values are in order of preference.
RANKED = frozenset({"driver_source", "interpreter", "kernel_modules", "provider"})

# Components with a number as their value, which other tables refer to.
NUMERIC = frozenset(
    {"compute_capability", "cuda_runtime", "cudnn_cuda", "default_gcc", "gcc", "glibc"}
)

# Numeric components without a table of values: only bounds are known.
UNLISTED = frozenset({"gcc"})

# The table of packages that the Python index does not have.
UNLISTED_PACKAGES = "unlisted-package"

# The name of the table with the builds of a framework in conda channels ends so: `torch-conda`.
CHANNEL_SUFFIX = "-conda"

# Prefix of a Python package; its version is chosen when the rig is locked.
PACKAGE_PREFIX = "package:"

# The package of the notebook server, and the name of its table.
NOTEBOOK = "notebook"
# That of the server which comes with JupyterLab.
JUPYTERLAB = "jupyterlab"


def get_channel_product(framework: str) -> str:
    """Return the name of the table with the builds of a framework in conda channels."""
    return framework + CHANNEL_SUFFIX
