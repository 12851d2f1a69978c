"""Steps for NVIDIA's repositories, the driver, the CUDA toolkit and cuDNN."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedFile, LockedMachine
from rigspec.plan.layers.apt import build_package_step
from rigspec.plan.layers.driver import build_driver_steps
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import AptRepositoryStep, ArchiveStep, InstallerStep, Step

__all__ = ["build_accelerator_steps"]


def build_accelerator_steps(rig: RigSettings, locked: LockedMachine) -> Iterator[Step]:
    """Yield the steps for repositories, driver, toolkit and cuDNN, in dependency order."""
    apt_repositories = [each for each in locked.repositories if each.manager is None]
    repositories = tuple(f"repository-{each.name}" for each in apt_repositories)
    for repository in apt_repositories:
        yield AptRepositoryStep(
            id=f"repository-{repository.name}",
            title=f"Apt repository: {repository.name}",
            layer=_get_layer(locked, repository.name),
            name=repository.name,
            url=repository.url,
            suite=repository.suite,
            components=repository.components,
            key_url=repository.key_url,
            key_fingerprint=repository.key_fingerprint,
        )
    yield from build_driver_steps(locked, repositories)
    yield from _toolkit_steps(locked, repositories)


def _get_layer(locked: LockedMachine, repository: str) -> str:
    """Return the layer of a repository: that of the container engine if nothing else needs it."""
    parts = {p.part for p in locked.packages if p.archive == repository} - {"dependency"}
    return "engine" if parts == {"container-toolkit"} else "cuda"


def _toolkit_steps(locked: LockedMachine, repositories: tuple[str, ...]) -> Iterator[Step]:
    version = locked.resolution.cuda
    if locked.toolkit is None:
        return
    home = locked.toolkit.home
    title = f"CUDA toolkit {version}"
    packages = tuple(
        build_package_step(
            locked, "cuda", id="cuda", title=title, layer="cuda", needs=repositories, hold=True
        )
    )
    yield from packages
    runfile = _find_file(locked, "cuda")
    if runfile is not None and not packages:
        yield InstallerStep(
            id="cuda",
            title=title,
            layer="cuda",
            file=runfile,
            arguments=("--silent", "--toolkit", f"--toolkitpath={home}", "--override"),
            creates=f"{home}/bin/nvcc",
        )
    archive = _find_file(locked, "cudnn")
    if archive is not None:
        yield ArchiveStep(
            id="cudnn",
            title=f"cuDNN {locked.resolution.cudnn} for CUDA {locked.resolution.cudnn_cuda}",
            layer="cuda",
            needs=("cuda",) if packages or runfile else (),
            file=archive,
            to=home,
            strip=1,
            creates=f"{home}/include/cudnn.h",
        )


def _find_file(locked: LockedMachine, part: str) -> LockedFile | None:
    return next((file for file in locked.files if file.part == part), None)
