"""Create the nodes of a graph: parts of the machine and resolved components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from packaging.requirements import Requirement

from rigspec.diagnostics.model import Report
from rigspec.graph.model import Label, Node
from rigspec.resolution import EnvResolution
from rigspec.resolve.components import UNKNOWN
from rigspec.resolve.explain.dependency_edges import ResolvedComponent
from rigspec.resolve.problem.base_image import find_image_tag
from rigspec.resolve.problem.requirements import get_env_key, get_gpu_key, list_gpus
from rigspec.spec.models.machine import Cpu, Machine
from rigspec.spec.models.rig import Rig
from rigspec.spec.models.services import Services

__all__ = ["build_nodes", "get_packages_id", "map_components"]

# Rows of an environment from the top; frameworks have row 0.
_PACKAGES_ROW, _PYTHON_ROW, _TOOLS_ROW = 2, 3, 4

# Components that are properties of another component.
_PARENT_COMPONENTS = {
    "glibc": "os",
    "default_gcc": "compiler",
    "gcc": "compiler",
    "cudnn_cuda": "cudnn",
    "avx": "cpu",
    "provider": "cuda",
    "forward_compatibility": "driver",
}


def get_packages_id(env: str) -> str:
    """Return the id of the node for constrained packages of an environment."""
    return get_env_key(env, "packages")


def build_nodes(
    rig: Rig, report: Report, components: Sequence[ResolvedComponent]
) -> Iterator[Node]:
    """Yield all nodes, from users down to hardware."""
    if report.resolution is None:
        raise ValueError("a report without a resolution has no graph")
    machine = rig.machine[report.machine] if report.machine is not None else None
    components_by_key = {item.key: item for item in components}
    for name in sorted(rig.user):
        yield Node(f"user/{name}", "people", "user", f"user {name}")
    yield from _iterate_services(rig.service)
    for env in report.resolution.envs:
        yield from _iterate_environment(env, components_by_key)
    yield from _iterate_toolkit(rig, report, components_by_key)
    yield from _iterate_system(rig, report, components_by_key)
    if machine is not None:
        yield from _iterate_parts(machine, report)


def map_components(
    nodes: Sequence[Node], components: Sequence[ResolvedComponent]
) -> Mapping[str, str]:
    """Return the node id of each component that has a node."""
    present = {node.id for node in nodes}
    node_ids = {}
    for item in components:
        if item.env is not None:
            node_id = get_env_key(item.env, "python") if item.name == "interpreter" else item.key
        elif item.key.startswith("gpus."):
            node_id = item.key.partition("/")[0]
        elif item.name == "accelerator":
            node_id = "gpus.0"
        else:
            node_id = _PARENT_COMPONENTS.get(item.name, item.key)
        if node_id in present:
            node_ids[item.key] = node_id
    return node_ids


def _iterate_services(services: Services) -> Iterator[Node]:
    if services.jupyter is not None:
        where = f"{services.jupyter.address}, port {services.jupyter.port}"
        yield Node("service/jupyter", "services", "service", "Jupyter", (Label(where),))
    if services.ssh is not None:
        note = Label(f"port {services.ssh.port}")
        yield Node("service/ssh", "services", "service", "sshd", (note,))
    for name, session in sorted(services.tmux.items()):
        panes = sum(len(window.panes) for window in session.windows)
        note = Label(f"{panes} pane{'s' if panes != 1 else ''}")
        yield Node(f"service/tmux/{name}", "services", "service", f"tmux {name}", (note,))
    if services.dyndns is not None:
        note = Label(services.dyndns.hostname)
        yield Node("service/dyndns", "services", "service", "dynamic DNS", (note,))


def _iterate_environment(
    env: EnvResolution, components_by_key: Mapping[str, ResolvedComponent]
) -> Iterator[Node]:
    def node(component: str, title: str, row: int, *notes: str) -> Node:
        labels = tuple(Label(note) for note in notes)
        key = get_env_key(env.name, component)
        return Node(key, "environments", component, title, labels, env.name, row)

    packages = [pin.name for pin in env.distributions]
    for framework, package in zip(env.frameworks, packages, strict=True):
        note = () if package == framework.name else (f"as {package}",)
        yield node(framework.name, f"{framework.name} {framework.version}", 0, *note)
    requested = [
        key for key in components_by_key if key.startswith(get_env_key(env.name, "package:"))
    ]
    names = {components_by_key[key].title for key in requested}
    for key in sorted(requested):
        notes = tuple(
            Label(t) for t in env.constraints if Requirement(t).name == components_by_key[key].title
        )
        yield Node(
            key,
            "environments",
            "package",
            components_by_key[key].title,
            notes,
            env.name,
            _PACKAGES_ROW,
        )
    constraints = [text for text in env.constraints if Requirement(text).name not in names]
    if env.cuda is not None:
        yield node("cuda_runtime", f"CUDA {env.cuda}", _PACKAGES_ROW, "in the wheels")
    if constraints:
        yield node("packages", "constrained packages", _PACKAGES_ROW, *constraints)
    yield node("python", f"Python {env.python}", _PYTHON_ROW)
    yield node("pip", f"pip {env.pip}", _TOOLS_ROW)
    if env.installer is not None:
        yield node("installer", env.installer, _TOOLS_ROW)


def _iterate_toolkit(
    rig: Rig, report: Report, components_by_key: Mapping[str, ResolvedComponent]
) -> Iterator[Node]:
    resolution = report.resolution
    if resolution is not None and resolution.cudnn is not None:
        yield Node("cudnn", "toolkit", "cudnn", f"cuDNN {resolution.cudnn}", (), None, 0)
    if resolution is not None and resolution.cuda is not None:
        note = Label(f"from {components_by_key['provider'].label}")
        yield Node("cuda", "toolkit", "cuda", f"CUDA {resolution.cuda}", (note,), None, 1)
    tag = find_image_tag(rig)
    if tag is not None and "image" in components_by_key:
        yield Node("image", "toolkit", "image", "base image", (Label(tag),), None, 1)


def _iterate_system(
    rig: Rig, report: Report, components_by_key: Mapping[str, ResolvedComponent]
) -> Iterator[Node]:
    resolution = report.resolution
    if resolution is None:
        return
    if resolution.driver is not None:
        yield Node("driver", "system", "driver", f"NVIDIA driver {resolution.driver}", (), None, 0)
    gcc = components_by_key.get("gcc") or components_by_key.get("default_gcc")
    if gcc is not None and gcc.label != UNKNOWN:
        yield Node("compiler", "system", "compiler", f"GCC {gcc.label}", (), None, 0)
    engine = components_by_key.get("docker")
    if engine is not None:
        yield Node("docker", "system", "engine", f"{engine.title} {engine.label}", (), None, 0)
    note = Label(resolution.arch)
    yield Node("os", "system", "os", resolution.os, (note,), None, 1)


def _iterate_parts(machine: Machine, report: Report) -> Iterator[Node]:
    def node(key: str, kind: str, title: str, *notes: str) -> Node:
        return Node(key, "hardware", kind, title, tuple(Label(note) for note in notes if note))

    for index, gpu in enumerate(list_gpus(machine)):
        key = get_gpu_key(index, "").rstrip("/")
        if gpu.instance is not None:
            yield node(key, "instance", gpu.instance)
        else:
            card = machine.gpus[index]
            count = f"{card.count} \N{MULTIPLICATION SIGN} " if card.count > 1 else ""
            yield node(key, "gpu", f"{count}{card.model}", str(card.memory or ""))
    if machine.cpu is not None:
        model = machine.cpu.model if isinstance(machine.cpu, Cpu) else machine.cpu
        yield node("cpu", "cpu", model)
    if machine.motherboard is not None:
        slots = ", ".join(machine.motherboard.slots)
        yield node("motherboard", "motherboard", machine.motherboard.model, slots)
    if machine.memory is not None:
        kind = f" of {machine.memory.type}" if machine.memory.type is not None else ""
        yield node("memory", "memory", f"{machine.memory.size}{kind}", "memory")
    for index, disk in enumerate(machine.storage):
        count = f"{disk.count} \N{MULTIPLICATION SIGN} " if disk.count > 1 else ""
        yield node(f"storage.{index}", "storage", f"{count}{disk.size}", disk.kind)
    if machine.psu is not None:
        grade = machine.psu.efficiency or ""
        yield node(
            "psu", "psu", machine.psu.model or "power supply", f"{machine.psu.watts} W", grade
        )
