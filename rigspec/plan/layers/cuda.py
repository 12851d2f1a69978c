"""The driver, the CUDA toolkit and cuDNN as steps."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedFile, LockedMachine
from rigspec.plan.layers.apt import package_list_file, packages_of
from rigspec.plan.paths import cuda_home
from rigspec.plan.steps import AptPackages, AptRepository, Archive, HostPackages, Installer, Step
from rigspec.spec.models.rig import Rig

__all__ = ["accelerator_steps"]


def accelerator_steps(rig: Rig, locked: LockedMachine) -> Iterator[Step]:
    """Repositories, driver, toolkit and cuDNN, in the order they must come."""
    repositories = tuple(f"repository-{r.name}" for r in locked.repositories)
    for repository in locked.repositories:
        yield AptRepository(
            id=f"repository-{repository.name}",
            title=f"Package repository {repository.name}, its key checked",
            part="cuda",
            name=repository.name,
            url=repository.url,
            suite=repository.suite,
            components=repository.components,
            key_url=repository.key_url,
            key_fingerprint=repository.key_fingerprint,
        )
    driver = packages_of(locked, "driver", hold=True)
    if driver:
        yield HostPackages(
            id="driver",
            title=f"NVIDIA driver {locked.resolution.driver}",
            part="driver",
            needs=repositories,
            packages=driver,
            listed=package_list_file(locked, "driver"),
        )
    libraries = packages_of(locked, "driver-libraries", hold=True)
    if libraries:
        yield AptPackages(
            id="driver-libraries",
            title=f"What programs use of the NVIDIA driver {locked.resolution.driver}",
            part="cuda",
            needs=repositories,
            packages=libraries,
            listed=package_list_file(locked, "driver-libraries"),
        )
    yield from _toolkit(locked, repositories)


def _toolkit(locked: LockedMachine, repositories: tuple[str, ...]) -> Iterator[Step]:
    version = locked.resolution.cuda
    if version is None:
        return
    home = cuda_home(version, locked.toolkit)
    packages = packages_of(locked, "cuda", hold=True)
    runfile = _file(locked, "cuda")
    title = f"CUDA toolkit {version}"
    if packages:
        yield AptPackages(
            id="cuda",
            title=title,
            part="cuda",
            needs=repositories,
            packages=packages,
            listed=package_list_file(locked, "cuda"),
        )
    elif runfile is not None:
        yield Installer(
            id="cuda",
            title=title,
            part="cuda",
            file=runfile,
            arguments=("--silent", "--toolkit", f"--toolkitpath={home}", "--override"),
            creates=f"{home}/bin/nvcc",
        )
    archive = _file(locked, "cudnn")
    if archive is not None:
        yield Archive(
            id="cudnn",
            title=f"cuDNN {locked.resolution.cudnn} built for CUDA {locked.resolution.cudnn_cuda}",
            part="cuda",
            needs=("cuda",) if packages or runfile else (),
            file=archive,
            to=home,
            strip=1,
            creates=f"{home}/include/cudnn.h",
        )


def _file(locked: LockedMachine, part: str) -> LockedFile | None:
    return next((file for file in locked.files if file.part == part), None)
