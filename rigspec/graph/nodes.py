"""The boxes of a picture: the machine's parts, and each component that was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from packaging.requirements import Requirement

from rigspec.diagnostics.model import Report
from rigspec.graph.model import Label, Node
from rigspec.resolution import EnvResolution
from rigspec.resolve.components import UNKNOWN
from rigspec.resolve.explain.dependency_edges import ResolvedComponent
from rigspec.resolve.problem.requirements import env_key, gpu_key, gpu_list, image_tag
from rigspec.spec.models.machine import Cpu, Machine
from rigspec.spec.models.rig import Rig
from rigspec.spec.models.services import Services

__all__ = ["homes_of", "nodes_of", "packages_key"]

# The rows of an environment from the top: frameworks stand on frameworks, all on Python.
_PACKAGES_ROW, _PYTHON_ROW, _TOOLS_ROW = 2, 3, 4

# The component of the machine that each other one is a property of.
_HOMES = {
    "glibc": "os",
    "default_gcc": "compiler",
    "gcc": "compiler",
    "cudnn_cuda": "cudnn",
    "avx": "cpu",
    "provider": "cuda",
    "forward_compatibility": "driver",
}


def packages_key(env: str) -> str:
    """The id of the box of the packages that rules hold back in an environment."""
    return env_key(env, "packages")


def nodes_of(rig: Rig, report: Report, settled: Sequence[ResolvedComponent]) -> Iterator[Node]:
    """Every box, from users down to the hardware."""
    if report.resolution is None:
        raise ValueError("a rig without a resolution has no picture")
    machine = rig.machine[report.machine] if report.machine is not None else None
    found = {item.key: item for item in settled}
    for name in sorted(rig.user):
        yield Node(f"user/{name}", "people", "user", f"user {name}")
    yield from _services(rig.service)
    for env in report.resolution.envs:
        yield from _environment(env, found)
    yield from _toolkit(rig, report, found)
    yield from _system(rig, report, found)
    if machine is not None:
        yield from _parts(machine, report)


def homes_of(boxes: Sequence[Node], settled: Sequence[ResolvedComponent]) -> Mapping[str, str]:
    """The box of each component by its key; what has no box is not there."""
    present = {box.id for box in boxes}
    homes = {}
    for item in settled:
        if item.env is not None:
            home = env_key(item.env, "python") if item.name == "interpreter" else item.key
        elif item.key.startswith("gpus."):
            home = item.key.partition("/")[0]
        elif item.name == "accelerator":
            home = "gpus.0"
        else:
            home = _HOMES.get(item.name, item.key)
        if home in present:
            homes[item.key] = home
    return homes


def _services(services: Services) -> Iterator[Node]:
    if services.jupyter is not None:
        where = f"{services.jupyter.address}, port {services.jupyter.port}"
        yield Node("service/jupyter", "services", "service", "Jupyter", (Label(where),))
    if services.ssh is not None:
        note = Label(f"port {services.ssh.port}")
        yield Node("service/ssh", "services", "service", "secure shell", (note,))
    for name, session in sorted(services.tmux.items()):
        panes = sum(len(window.panes) for window in session.windows)
        note = Label(f"{panes} pane{'s' if panes != 1 else ''}")
        yield Node(f"service/tmux/{name}", "services", "service", f"tmux {name}", (note,))
    if services.dyndns is not None:
        note = Label(services.dyndns.hostname)
        yield Node("service/dyndns", "services", "service", "dynamic DNS", (note,))


def _environment(env: EnvResolution, found: Mapping[str, ResolvedComponent]) -> Iterator[Node]:
    def box(component: str, title: str, row: int, *notes: str) -> Node:
        labels = tuple(Label(note) for note in notes)
        key = env_key(env.name, component)
        return Node(key, "environments", component, title, labels, env.name, row)

    packages = [pin.name for pin in env.distributions]
    for framework, package in zip(env.frameworks, packages, strict=True):
        note = () if package == framework.name else (f"as {package}",)
        yield box(framework.name, f"{framework.name} {framework.version}", 0, *note)
    asked = [key for key in found if key.startswith(env_key(env.name, "package:"))]
    own = {found[key].title for key in asked}
    for key in sorted(asked):
        notes = tuple(Label(t) for t in env.constraints if Requirement(t).name == found[key].title)
        yield Node(key, "environments", "package", found[key].title, notes, env.name, _PACKAGES_ROW)
    held = [text for text in env.constraints if Requirement(text).name not in own]
    if env.cuda is not None:
        yield box("cuda_runtime", f"CUDA {env.cuda}", _PACKAGES_ROW, "in the wheels")
    if held:
        yield box("packages", "packages held back", _PACKAGES_ROW, *held)
    yield box("python", f"Python {env.python}", _PYTHON_ROW)
    yield box("pip", f"pip {env.pip}", _TOOLS_ROW)
    if env.installer is not None:
        yield box("installer", env.installer, _TOOLS_ROW)


def _toolkit(rig: Rig, report: Report, found: Mapping[str, ResolvedComponent]) -> Iterator[Node]:
    resolution = report.resolution
    if resolution is not None and resolution.cudnn is not None:
        yield Node("cudnn", "toolkit", "cudnn", f"cuDNN {resolution.cudnn}", (), None, 0)
    if resolution is not None and resolution.cuda is not None:
        note = Label(f"from {found['provider'].label}")
        yield Node("cuda", "toolkit", "cuda", f"CUDA {resolution.cuda}", (note,), None, 1)
    tag = image_tag(rig)
    if tag is not None and "image" in found:
        yield Node("image", "toolkit", "image", "base image", (Label(tag),), None, 1)


def _system(rig: Rig, report: Report, found: Mapping[str, ResolvedComponent]) -> Iterator[Node]:
    resolution = report.resolution
    if resolution is None:
        return
    if resolution.driver is not None:
        yield Node("driver", "system", "driver", f"NVIDIA driver {resolution.driver}", (), None, 0)
    gcc = found.get("gcc") or found.get("default_gcc")
    if gcc is not None and gcc.label != UNKNOWN:
        yield Node("compiler", "system", "compiler", f"GCC {gcc.label}", (), None, 0)
    note = Label(resolution.arch)
    yield Node("os", "system", "os", resolution.os, (note,), None, 1)


def _parts(machine: Machine, report: Report) -> Iterator[Node]:
    def box(key: str, kind: str, title: str, *notes: str) -> Node:
        return Node(key, "hardware", kind, title, tuple(Label(note) for note in notes if note))

    for index, gpu in enumerate(gpu_list(machine)):
        key = gpu_key(index, "").rstrip("/")
        if gpu.instance is not None:
            yield box(key, "instance", gpu.instance)
        else:
            card = machine.gpus[index]
            count = f"{card.count} \N{MULTIPLICATION SIGN} " if card.count > 1 else ""
            yield box(key, "gpu", f"{count}{card.model}", str(card.memory or ""))
    if machine.cpu is not None:
        model = machine.cpu.model if isinstance(machine.cpu, Cpu) else machine.cpu
        yield box("cpu", "cpu", model)
    if machine.motherboard is not None:
        slots = ", ".join(machine.motherboard.slots)
        yield box("motherboard", "motherboard", machine.motherboard.model, slots)
    if machine.memory is not None:
        kind = f" of {machine.memory.type}" if machine.memory.type is not None else ""
        yield box("memory", "memory", f"{machine.memory.size}{kind}", "memory")
    for index, disk in enumerate(machine.storage):
        count = f"{disk.count} \N{MULTIPLICATION SIGN} " if disk.count > 1 else ""
        yield box(f"storage.{index}", "storage", f"{count}{disk.size}", disk.kind)
    if machine.psu is not None:
        grade = machine.psu.efficiency or ""
        yield box(
            "psu", "psu", machine.psu.model or "power supply", f"{machine.psu.watts} W", grade
        )
