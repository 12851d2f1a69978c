"""The lines of a spec as requirements on components."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.frozen import dataclass
from rigspec.matrix.components import ENUMERATED, PACKAGE_PREFIX
from rigspec.matrix.images import get_system_of_reference
from rigspec.matrix.model import Matrix, Release
from rigspec.matrix.part_lookup import find_part
from rigspec.resolution import DEFAULT_ARCH, UNKNOWN_SYSTEM
from rigspec.resolve.explain.phrasing import add_article
from rigspec.resolve.problem.base_image import has_image_with_cuda
from rigspec.resolve.problem.cuda_requirements import list_cuda_requirements
from rigspec.resolve.problem.model import DECLARED, KeyPath, Requirement
from rigspec.resolve.problem.release_cutoff import AS_OF, convert_to_version
from rigspec.resolve.problem.requested_packages import (
    PIP,
    find_requested_pip,
    list_requested_frameworks,
    list_requested_packages,
    list_source_packages,
)
from rigspec.resolve.problem.rule_index import RuleIndex
from rigspec.resolve.problem.systems import is_fully_known
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.machine import ContainerEngine, Cpu, Driver, Machine
from rigspec.spec.models.rig import Rig
from rigspec.spec.types import NO_DRIVER
from rigspec.version_specifiers import list_extras

__all__ = [
    "DeclaredGpu",
    "find_architecture",
    "get_env_key",
    "get_gpu_key",
    "list_gpus",
    "list_requirements",
    "uses_gpu",
]

# The CUDA that the wheels of an environment contain.
_CUDA_RUNTIME = "cuda_runtime"


def get_env_key(env: str, component: str) -> str:
    """Return the key of an environment's own component."""
    return f"{env}/{component}"


def get_gpu_key(index: int, component: str) -> str:
    """Return the key of a component of the GPU at ``index`` in the machine's list."""
    return f"gpus.{index}/{component}"


@dataclass(frozen=True)
class DeclaredGpu:
    """A GPU of a machine: a card by its name or figures, or that of an instance."""

    model: str | None
    instance: str | None
    compute_capability: str | None
    path: KeyPath  # within the machine's table

    def part(self, matrix: Matrix) -> Release | None:
        """Return the release of the matrix that describes it."""
        if self.instance is not None:
            return find_part(matrix.product("instance"), self.instance)
        return find_part(matrix.product("gpu"), self.model or "")


def list_gpus(machine: Machine) -> tuple[DeclaredGpu, ...]:
    """Return the GPUs of a machine: those it lists, else those of its instance."""
    if machine.gpus:
        return tuple(
            DeclaredGpu(gpu.model, None, gpu.compute_capability, ("gpus", index))
            for index, gpu in enumerate(machine.gpus)
        )
    if machine.instance is not None:
        return (DeclaredGpu(None, machine.instance, None, ("instance",)),)
    return ()


def find_architecture(machine: Machine | None, matrix: Matrix) -> str:
    """Return the declared architecture, else that of the instance or GPU, else x86_64.

    Some GPUs exist only with an Arm CPU: those of Jetson modules, and the Grace superchips.
    """
    if machine is None:
        return DEFAULT_ARCH
    if machine.arch is not None:
        return machine.arch
    parts = (gpu.part(matrix) for gpu in list_gpus(machine))
    known = (part.get("arch") for part in parts if part is not None)
    return next((arch for arch in known if arch is not None), DEFAULT_ARCH)


def uses_gpu(rig: Rig, machine: Machine | None) -> bool:
    """Return whether this rig computes on a GPU.

    It declares one, a driver or a CUDA toolkit, or starts from an image with CUDA.
    """
    if rig.cuda is not None or has_image_with_cuda(rig):
        return True
    return machine is not None and bool(
        machine.gpus or machine.instance or machine.driver_version is not None
    )


def list_requirements(
    rig: Rig,
    machine_name: str | None,
    knowledge: RuleIndex,
    *,
    cuda_from_wheels: bool = False,
) -> tuple[Requirement, ...]:
    """Return the requirements of one machine of the spec, in the order of the language.

    ``cuda_from_wheels`` counts if the spec does not say where CUDA comes from.
    """
    machine = rig.machine[machine_name] if machine_name is not None else None
    requirements = [
        _accelerator(rig, machine_name, machine),
        _arch(machine_name, machine, knowledge),
    ]
    if machine is not None:
        requirements += _machine_requirements(("machine", str(machine_name)), machine)
    requirements += _image_system(rig, machine)
    requirements += list_cuda_requirements(rig, cuda_from_wheels)
    requirements.append(_driver_source(rig, machine_name, machine, knowledge))
    system = next((r.alternatives[0] for r in requirements if r.component == "os"), None)
    has_python = is_fully_known(system, knowledge.product("os"))
    open_interpreters = _OPEN_INTERPRETERS if has_python else _OPEN_INTERPRETERS[1:]
    for name in sorted(rig.env):
        requirements.append(_interpreter(name, rig.env[name], open_interpreters))
        requirements += _env_requirements(name, rig.env[name], knowledge)
        if uses_gpu(rig, machine):
            requirements += _extra_requirements(name, rig.env[name], knowledge)
    return tuple(requirements)


def _image_system(rig: Rig, machine: Machine | None) -> Iterator[Requirement]:
    """Yield the system of the base image, unless a line names the system."""
    base = rig.container.base if rig.container is not None else None
    if base is None or (machine is not None and machine.os is not None):
        return
    system = get_system_of_reference(base)
    label = f"starts from an image of {system or 'unknown contents'}"
    path: KeyPath = ("container", "base")
    yield Requirement("os", (system or UNKNOWN_SYSTEM,), path, label, editable=False)


def _accelerator(rig: Rig, name: str | None, machine: Machine | None) -> Requirement:
    if not uses_gpu(rig, machine):
        return Requirement("accelerator", ("cpu",), None, "has no GPU", editable=False)
    path: KeyPath = ("cuda",)
    if machine is not None and machine.gpus:
        path = ("machine", str(name), "gpus")
    elif machine is not None and machine.instance:
        path = ("machine", str(name), "instance")
    elif machine is not None and machine.driver_version is not None and rig.cuda is None:
        path = ("machine", str(name), "driver")
    elif rig.cuda is None:
        path = ("container", "base")
    return Requirement("accelerator", ("gpu",), path, "requests a GPU", editable=False)


def _arch(name: str | None, machine: Machine | None, knowledge: RuleIndex) -> Requirement:
    if machine is not None and machine.arch is not None:
        path: KeyPath = ("machine", str(name), "arch")
        return Requirement("arch", (machine.arch,), path, f"is {machine.arch}", editable=False)
    arch = find_architecture(machine, knowledge.matrix)
    return Requirement("arch", (arch,), None, f"is {arch}", editable=False)


def _machine_requirements(path: KeyPath, machine: Machine) -> Iterator[Requirement]:
    if machine.kind == "wsl":
        place: KeyPath = (*path, "kind")
        yield Requirement("platform", ("wsl",), place, "is WSL", False, display="WSL")
    if machine.os is not None:
        yield Requirement("os", (machine.os,), (*path, "os"), f"requests {machine.os}")
    yield from _driver_requirements(path, machine)
    if machine.installs_engine and (version := machine.engine_version):
        key = ("docker", "version") if isinstance(machine.docker, ContainerEngine) else ("docker",)
        yield Requirement("docker", (version,), (*path, *key), f"requests the engine {version}")
    if machine.glibc is not None:
        label = f"has glibc {machine.glibc}"
        yield Requirement("glibc", (machine.glibc,), (*path, "glibc"), label)
    if machine.gcc is not None:
        yield Requirement("gcc", (machine.gcc,), (*path, "gcc"), f"requests GCC {machine.gcc}")
    for index, gpu in enumerate(list_gpus(machine)):
        yield _gpu_requirement(index, gpu, path)
    if machine.named_cpu is not None:
        label = f"declares {add_article(machine.named_cpu)}"
        yield Requirement("cpu", (DECLARED,), (*path, "cpu"), label, False)
    elif isinstance(machine.cpu, Cpu) and machine.cpu.features is not None:
        avx = "yes" if "avx" in machine.cpu.features else "no"
        label = "names AVX" if avx == "yes" else "does not name AVX"
        yield Requirement("avx", (avx,), (*path, "cpu", "features"), label, False)


def _driver_requirements(path: KeyPath, machine: Machine) -> Iterator[Requirement]:
    place: KeyPath = (*path, "driver")
    key: KeyPath = (*place, "version") if isinstance(machine.driver, Driver) else place
    if machine.driver_version is not None:
        label = f"requests the driver {machine.driver_version}"
        yield Requirement("driver", (machine.driver_version,), key, label)
    if machine.kernel_modules is not None:
        label = f"requests the {machine.kernel_modules} kernel modules"
        modules = (machine.kernel_modules,)
        yield Requirement("kernel_modules", modules, (*place, "modules"), label)


def _driver_source(
    rig: Rig, name: str | None, machine: Machine | None, knowledge: RuleIndex
) -> Requirement:
    """Return where the driver comes from: as requested, else from where the toolkit does.

    A driver that NVIDIA's repository does not have comes from the distribution.
    """
    source = machine.driver_source if machine is not None else None
    path: KeyPath = ("machine", str(name), "driver")
    if machine is not None and machine.kind == "wsl":
        label = "uses the driver of Windows"
        return Requirement("driver_source", (NO_DRIVER,), (*path[:2], "kind"), label, False)
    included = _find_included_driver(machine, knowledge) if machine is not None else None
    if included is not None and source in (None, NO_DRIVER):
        gpu, system = included
        label = f"has its driver in {system}"
        return Requirement("driver_source", (NO_DRIVER,), (*path[:2], *gpu), label, False)
    if source == NO_DRIVER:
        given = (*path, "from") if machine and isinstance(machine.driver, Driver) else path
        return Requirement("driver_source", (NO_DRIVER,), given, "installs no driver", False)
    if source is not None:
        label = f"installs the driver from {source}"
        return Requirement("driver_source", (source,), (*path, "from"), label)
    provider = rig.cuda.provider if rig.cuda is not None else None
    with_toolkit = {"nvidia": ("nvidia", "distribution"), "debian": ("distribution",)}
    sources = with_toolkit.get(provider or "", ())
    if sources:
        label = f"installs the driver from {sources[0]}, like the toolkit"
        return Requirement("driver_source", sources, None, label, editable=False)
    sources = tuple(word for word in ENUMERATED["driver_source"] if word != NO_DRIVER)
    return Requirement("driver_source", sources, None, "installs the driver", editable=False)


def _find_included_driver(machine: Machine, knowledge: RuleIndex) -> tuple[KeyPath, str] | None:
    """Return a GPU whose system includes the driver, and the name of that system."""
    product = knowledge.find_product("gpu")
    if product is None:
        return None
    for gpu in list_gpus(machine):
        part = find_part(product, gpu.model) if gpu.model is not None else None
        system = part.get("driver_in") if part is not None else None
        if system is not None:
            return gpu.path, system
    return None


def _gpu_requirement(index: int, gpu: DeclaredGpu, machine: KeyPath) -> Requirement:
    place = (*machine, *gpu.path)
    if gpu.instance is not None:
        label = f"declares {add_article(gpu.instance)}"
        return Requirement(get_gpu_key(index, "gpu"), (DECLARED,), place, label, False)
    if gpu.compute_capability is None:
        label = f"declares {add_article(gpu.model or '')}"
        return Requirement(get_gpu_key(index, "gpu"), (DECLARED,), (*place, "model"), label, False)
    label = f"has compute capability {gpu.compute_capability}"
    key = get_gpu_key(index, "compute_capability")
    return Requirement(key, (gpu.compute_capability,), (*place, "compute_capability"), label, False)


# Where an interpreter comes from if the spec leaves it open, the first that fits. The Python of a
# system that the matrix does not know is not taken.
_OPEN_INTERPRETERS = ("system", "uv", "pyenv")


def _interpreter(name: str, env: Environment, sources: tuple[str, ...]) -> Requirement:
    key, kind = get_env_key(name, "interpreter"), env.interpreter_kind
    if kind is None:
        label = "leaves the interpreter open"
        return Requirement(key, sources, None, label, editable=False)
    place = ("env", name, "interpreter" if env.interpreter is not None else "manager")
    return Requirement(key, (kind,), place, f"takes the interpreter from {kind}")


def _extra_requirements(name: str, env: Environment, knowledge: RuleIndex) -> Iterator[Requirement]:
    """Yield the requirements of extras that choose a CUDA, such as `jax[cuda12]`.

    Without the line, the machine decides which extra the package gets.
    """
    for line in list_requested_frameworks(env):
        product, requested = knowledge.find_product(line.product), list_extras(line.request)
        extras = product.extras if product is not None else ()
        for extra in (each for each in extras if each.name in requested):
            place = ("env", name, line.table, line.key)
            label, display = f"requests the extra `{extra.name}`", f"{line.key}[{extra.name}]"
            for condition in extra.when:
                if condition.component != _CUDA_RUNTIME:
                    continue
                bounds = {_CUDA_RUNTIME: condition.alternatives, line.product: (extra.versions,)}
                for component, alternatives in bounds.items():
                    key = get_env_key(name, component)
                    yield Requirement(key, alternatives, place, label, False, display=display)


def _env_requirements(name: str, env: Environment, knowledge: RuleIndex) -> Iterator[Requirement]:
    path: KeyPath = ("env", name)
    if env.python is not None:
        label = f"requests Python {env.python}"
        yield Requirement(get_env_key(name, "python"), (env.python,), (*path, "python"), label)
    if env.pip is not None:
        label = f"requests pip {env.pip}"
        yield Requirement(get_env_key(name, PIP), (env.pip,), (*path, "pip"), label)
    if (pip := find_requested_pip(env)) is not None:
        label, place = f"requests pip {pip.request}", (*path, pip.table, pip.key)
        yield Requirement(get_env_key(name, PIP), (pip.request,), place, label)
    if env.installer is not None:
        place = (*path, "interpreter", "installer")
        label = f"requests {env.installer}"
        yield Requirement(get_env_key(name, "installer"), (env.installer,), place, label)
    frameworks = tuple(list_requested_frameworks(env))
    for line in frameworks:
        carried = knowledge.releases_carrying(line.product, line.key, line.request)
        yield Requirement(
            get_env_key(name, line.product),
            carried or (f"{line.family} {line.request}".strip(),),
            (*path, line.table, line.key),
            f"requests {line.key} {line.request}",
            prefix=line.family,
            text=line.request if carried else "",
        )
    for package in (*list_requested_packages(env), *list_source_packages(env)):
        component = PACKAGE_PREFIX + package.name
        if component in knowledge.named:
            label = f"requests {package.key} {package.request}"
            place = (*path, package.table, package.key)
            yield Requirement(get_env_key(name, component), (package.request,), place, label)
    if env.as_of is not None:
        day, label = (convert_to_version(env.as_of),), f"nothing after {env.as_of.isoformat()}"
        display = f"{AS_OF} {env.as_of.isoformat()}"
        yield Requirement(
            get_env_key(name, AS_OF), day, (*path, AS_OF), label, False, display=display
        )
