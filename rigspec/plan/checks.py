"""The last step: what is installed, held against the lock."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.requirements import Requirement

from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.plan.layout import cuda_home, env_python
from rigspec.plan.steps import Check, Verify
from rigspec.resolution import EnvResolution
from rigspec.spec.model import Rig

__all__ = ["pinned", "verify_step"]

# importlib.metadata came with Python 3.8; older interpreters have setuptools' own reader.
_NEW_READER = (
    "import sys; from importlib.metadata import version; "
    "print(chr(10).join(n + '==' + version(n) for n in sys.argv[1:]))"
)
_OLD_READER = (
    "import sys; from pkg_resources import get_distribution as g; "
    "print(chr(10).join(n + '==' + g(n).version for n in sys.argv[1:]))"
)


def verify_step(rig: Rig, locked: LockedMachine) -> Verify:
    """Checks of every layer that the lock pins."""
    resolutions = {env.name: env for env in locked.resolution.envs}
    checks = list(_system_checks(locked))
    for env in locked.envs:
        checks += _env_checks(env, resolutions[env.name])
    return Verify(
        id="verify",
        title="What is installed is what was locked",
        part="verify",
        checks=tuple(checks),
    )


def pinned(requirements: str) -> tuple[tuple[str, str], ...]:
    """Names and versions out of a hash-pinned requirements file."""
    found = []
    for line in requirements.splitlines():
        text = line.split("#")[0].strip().removesuffix("\\").strip()
        if text and not text.startswith("--"):
            requirement = Requirement(text.split(" --hash")[0])
            (specifier,) = requirement.specifier
            found.append((requirement.name, specifier.version))
    return tuple(found)


def _system_checks(locked: LockedMachine) -> Iterator[Check]:
    for package in locked.packages:
        if package.version is not None:
            yield Check(
                title=f"package {package.name}",
                command=("dpkg-query", "-W", "-f=${Version}", package.name),
                expect=package.version,
                part=package.part,
            )
    cudnn, cuda = locked.resolution.cudnn, locked.resolution.cuda
    if cudnn is not None and cuda is not None and any(f.part == "cudnn" for f in locked.files):
        header = f"{cuda_home(cuda)}/include/cudnn.h"
        pattern = r"s/^#define CUDNN_\(MAJOR\|MINOR\|PATCHLEVEL\) //p"
        yield Check(
            title=f"cuDNN {cudnn}",
            command=("sed", "-n", pattern, header),
            expect="\n".join(cudnn.split(".")[:3]),
            part="cuda",
        )


def _env_checks(env: LockedEnv, resolution: EnvResolution) -> Iterator[Check]:
    python = env_python(env.name)
    version = tuple(int(part) for part in resolution.python.split(".")[:2])
    yield Check(
        title=f"Python of {env.name}",
        command=(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"),
        expect=".".join(str(part) for part in version),
        part="env",
    )
    packages = sorted((*pinned(env.tools), *pinned(env.requirements)))
    reader = _NEW_READER if version >= (3, 8) else _OLD_READER
    yield Check(
        title=f"{len(packages)} packages of {env.name}",
        command=(python, "-c", reader, *(name for name, _ in packages)),
        expect="\n".join(f"{name}=={version}" for name, version in packages),
        part="env",
    )
