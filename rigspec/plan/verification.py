"""The last step: verify the installation against the lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.lock.paths import get_installed_lock_path
from rigspec.plan.layers.accounts import build_account_checks
from rigspec.plan.layers.apt import PARTS, get_package_list_file
from rigspec.plan.layers.dnf import uses_dnf
from rigspec.plan.layers.nvblas import build_nvblas_checks
from rigspec.plan.paths import (
    CHECK_PACKAGES,
    CHECK_RPMS,
    VERIFY_PACKAGES,
    build_files,
    env_python,
    package_list,
)
from rigspec.plan.services.build import build_service_checks
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import Check, SecretStep, VerifyStep
from rigspec.resolution import EnvResolution

__all__ = ["verify_step"]


def verify_step(
    rig: RigSettings, locked: LockedMachine, secrets: Iterable[SecretStep] = ()
) -> VerifyStep:
    """Return the checks of every layer that the lock pins, and of the secrets."""
    resolutions = {env.name: env for env in locked.resolution.envs}
    checks = list(_system_checks(locked))
    for env in locked.envs:
        checks += _env_checks(env, resolutions[env.name])
    checks += build_nvblas_checks(rig, locked)
    checks += build_account_checks(rig)
    checks += build_service_checks(rig, locked)
    checks += _secret_checks(secrets)
    checks += _kernel_checks(rig)
    return VerifyStep(
        id="verify",
        title="Verify the installation against the lock",
        layer="verify",
        checks=tuple(checks),
    )


def _secret_checks(secrets: Iterable[SecretStep]) -> Iterator[Check]:
    """Yield a check for the presence of each secret."""
    for secret in secrets:
        title = f"secret {secret.name}"
        if secret.text:
            # The package may have installed its own file: check the first line, which is ours.
            first = secret.text.splitlines()[0]
            command: tuple[str, ...] = ("grep", "-m1", "-xF", "-e", first, secret.path)
            yield Check(title, command, expect=first, layer=secret.layer, requires_root=True)
            continue
        command = ("find", secret.path, "-size", "+0")
        yield Check(title, command, expect=secret.path, layer=secret.layer, requires_root=True)


def _system_checks(locked: LockedMachine) -> Iterator[Check]:
    for part in PARTS:
        if get_package_list_file(locked, part):
            program = CHECK_RPMS if uses_dnf(locked) else CHECK_PACKAGES
            command = (
                "sh",
                get_installed_lock_path(program),
                "installed",
                get_installed_lock_path(package_list(part)),
            )
            title = f"packages ({part})"
            is_of_packages = program == CHECK_PACKAGES  # the installer has a function for these
            yield Check(
                title, command, expect="as locked", layer=part, is_of_packages=is_of_packages
            )
    yield from _toolkit_checks(locked)
    cudnn, toolkit = locked.resolution.cudnn, locked.toolkit
    if cudnn is not None and toolkit is not None and any(f.part == "cudnn" for f in locked.files):
        # Since cuDNN 8, the version is in a separate header.
        name = "cudnn.h" if int(cudnn.split(".")[0]) < 8 else "cudnn_version.h"
        header = f"{toolkit.home}/include/{name}"
        # On one line, because a template may indent the lines of a text.
        numbers = r"s/^#define CUDNN_\(MAJOR\|MINOR\|PATCHLEVEL\) //p"
        yield Check(
            title=f"cuDNN {cudnn}",
            command=("sh", "-c", 'sed -n "$1" "$2" | paste -s -d .', "sh", numbers, header),
            expect=".".join(cudnn.split(".")[:3]),
            layer="cuda",
        )


def _kernel_checks(rig: RigSettings) -> Iterator[Check]:
    for argument in rig.kernel_arguments:
        # /proc/cmdline is one line.
        script = "tr ' ' '\\n' </proc/cmdline | grep -xF -m 1 -e \"$1\""
        yield Check(
            title=f"kernel argument {argument}",
            command=("sh", "-c", script, "sh", argument),
            expect=argument,
            layer="driver",
            after_reboot=True,
        )


def _toolkit_checks(locked: LockedMachine) -> Iterator[Check]:
    """Yield checks of a distribution's toolkit: its package version differs from NVIDIA's."""
    toolkit, cuda = locked.toolkit, locked.resolution.cuda
    if toolkit is None or toolkit.nvcc is None or cuda is None:
        return
    release = ".".join(cuda.split(".")[:2])
    pattern = r"s/.*, release \([0-9.]*\),.*/\1/p"
    yield Check(
        title=f"nvcc of CUDA {release}",
        command=("sh", "-c", '"$0" --version | sed -n "$1"', toolkit.nvcc, pattern),
        expect=release,
        layer="cuda",
    )
    if toolkit.compiler is not None:
        # With --dryrun, nvcc prints the compiler commands without running them.
        dry = '"$0" -ccbin "$1" --dryrun -x cu -E /dev/null 2>&1 | grep -qF -e "$1" && echo yes'
        yield Check(
            title=f"nvcc with {toolkit.compiler}",
            command=("sh", "-c", dry, toolkit.nvcc, toolkit.compiler),
            expect="yes",
            layer="cuda",
        )


def _env_checks(env: LockedEnv, resolution: EnvResolution) -> Iterator[Check]:
    python = env_python(env.name)
    version = tuple(int(part) for part in resolution.python.split(".")[:2])
    yield Check(
        title=f"Python of {env.name}",
        command=(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"),
        expect=".".join(str(part) for part in version),
        layer="env",
    )
    parts = [
        *(("explicit",) if env.conda is not None else ()),
        *("tools", "requirements"),
        *(("sources",) if env.sources else ()),
    ]
    files = [f"{env.name}.{part}.txt" for part in parts]
    files += [build_files(env.name, number)[1] for number, _ in enumerate(env.builds, 1)]
    yield Check(
        title=f"packages of {env.name}",
        command=(
            python,
            get_installed_lock_path(VERIFY_PACKAGES),
            *(get_installed_lock_path(name) for name in files),
        ),
        expect="",
        layer="env",
    )
