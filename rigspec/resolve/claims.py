"""The lines of a spec as claims about components."""

from __future__ import annotations

from rigspec.matrix.model import Matrix
from rigspec.matrix.vocabulary import PACKAGE_PREFIX
from rigspec.resolve.problem import Claim, KeyPath
from rigspec.spec.environment import Environment
from rigspec.spec.machine import Machine
from rigspec.spec.model import Rig

__all__ = ["DECLARED", "accelerated", "claims_of", "env_key", "gpu_key"]

# The one candidate that stands for "the part as the spec declares it".
DECLARED = "declared"


def env_key(env: str, component: str) -> str:
    """The key of an environment's own component."""
    return f"{env}/{component}"


def gpu_key(index: int, component: str) -> str:
    """The key of a component of the GPU that stands at ``index`` in the machine's list."""
    return f"gpus.{index}/{component}"


def accelerated(rig: Rig, machine: Machine | None) -> bool:
    """Whether this rig computes on a GPU: it declares one, or a CUDA toolkit."""
    return rig.cuda is not None or bool(machine and (machine.gpus or machine.instance))


def claims_of(rig: Rig, machine_name: str | None, matrix: Matrix) -> tuple[Claim, ...]:
    """Every claim that the spec makes about one of its machines, in the order of the language."""
    machine = rig.machine[machine_name] if machine_name is not None else None
    claims = [_accelerator(rig, machine_name, machine)]
    if machine is not None:
        claims += _machine_claims(("machine", str(machine_name)), machine)
    claims += _cuda_claims(rig)
    for name in sorted(rig.env):
        claims += _env_claims(name, rig.env[name], matrix)
    return tuple(claims)


def _accelerator(rig: Rig, name: str | None, machine: Machine | None) -> Claim:
    if not accelerated(rig, machine):
        return Claim("accelerator", ("cpu",), None, "has no GPU", editable=False)
    path: KeyPath = ("cuda",)
    if machine is not None and machine.gpus:
        path = ("machine", str(name), "gpus")
    elif machine is not None and machine.instance:
        path = ("machine", str(name), "instance")
    return Claim("accelerator", ("gpu",), path, "asks for a GPU", editable=False)


def _machine_claims(path: KeyPath, machine: Machine) -> list[Claim]:
    claims = [Claim("os", (machine.os,), (*path, "os"), f"asks for {machine.os}")]
    for component, words in (("driver", "the driver"), ("gcc", "GCC")):
        requested = getattr(machine, component)
        if requested is not None:
            label = f"asks for {words} {requested}"
            claims.append(Claim(component, (requested,), (*path, component), label))
    for index, gpu in enumerate(machine.gpus):
        place = (*path, "gpus", index)
        if gpu.compute_capability is None:
            label = f"declares a {gpu.model}"
            claim = Claim(gpu_key(index, "gpu"), (DECLARED,), (*place, "model"), label, False)
        else:
            label = f"has compute capability {gpu.compute_capability}"
            place = (*place, "compute_capability")
            key = gpu_key(index, "compute_capability")
            claim = Claim(key, (gpu.compute_capability,), place, label, False)
        claims.append(claim)
    if isinstance(machine.cpu, str):
        label = f"declares a {machine.cpu}"
        claims.append(Claim("cpu", (DECLARED,), (*path, "cpu"), label, False))
    elif machine.cpu is not None and machine.cpu.features is not None:
        avx = "yes" if "avx" in machine.cpu.features else "no"
        label = "names AVX" if avx == "yes" else "does not name AVX"
        claims.append(Claim("avx", (avx,), (*path, "cpu", "features"), label, False))
    return claims


def _cuda_claims(rig: Rig) -> list[Claim]:
    cuda = rig.cuda
    if cuda is None:
        return []
    given = "provider" in cuda.model_fields_set
    path: KeyPath | None = ("cuda", "provider") if given else None
    label = f"takes CUDA from {cuda.provider}"
    claims = [Claim("provider", (cuda.provider,), path, label)]
    if cuda.toolkit is not None:
        label = f"asks for CUDA {cuda.toolkit}"
        claims.append(Claim("cuda", (cuda.toolkit,), ("cuda", "toolkit"), label))
    if isinstance(cuda.cudnn, str):
        label = f"asks for cuDNN {cuda.cudnn}"
        claims.append(Claim("cudnn", (cuda.cudnn,), ("cuda", "cudnn"), label))
    elif cuda.cudnn is not None:
        label = f"asks for cuDNN {cuda.cudnn.version}"
        path = ("cuda", "cudnn", "version")
        claims.append(Claim("cudnn", (cuda.cudnn.version,), path, label))
        if cuda.cudnn.built_for is not None:
            label = f"this cuDNN is built for CUDA {cuda.cudnn.built_for}"
            path = ("cuda", "cudnn", "built_for")
            claims.append(Claim("cudnn_cuda", (cuda.cudnn.built_for,), path, label))
    return claims


def _env_claims(name: str, env: Environment, matrix: Matrix) -> list[Claim]:
    path: KeyPath = ("env", name)
    kind = env.interpreter_kind
    given = "interpreter" in env.model_fields_set
    place = (*path, "interpreter") if given else None
    label = f"takes the interpreter from {kind}"
    claims = [Claim(env_key(name, "interpreter"), (kind,), place, label, editable=given)]
    if env.python is not None:
        label = f"asks for Python {env.python}"
        claims.append(Claim(env_key(name, "python"), (env.python,), (*path, "python"), label))
    if env.pip is not None:
        label = f"asks for pip {env.pip}"
        claims.append(Claim(env_key(name, "pip"), (env.pip,), (*path, "pip"), label))
    if env.installer is not None:
        place = (*path, "interpreter", "installer")
        label = f"asks for {env.installer}"
        claims.append(Claim(env_key(name, "installer"), (env.installer,), place, label))
    for framework, requested in sorted(env.frameworks.items()):
        label = f"asks for {framework} {requested}"
        place = (*path, "frameworks", framework)
        claims.append(Claim(env_key(name, framework), (requested,), place, label))
    ruled = {rule.must.component for rule in matrix.rules()}
    for package, requested in sorted(env.packages.items()):
        if PACKAGE_PREFIX + package in ruled:
            label = f"asks for {package} {requested}"
            key = env_key(name, PACKAGE_PREFIX + package)
            claims.append(Claim(key, (requested,), (*path, "packages", package), label))
    return claims
