"""Facts about container images: the order of layers, paths, the driver that CUDA requires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from rigspec.frozen import dataclass
from rigspec.plan.model import ContainerUser, Omission, group_by_reason
from rigspec.plan.steps import (
    AptPackagesStep,
    CertificateStep,
    EnvironmentStep,
    ImagePhase,
    SecretStep,
    ServiceStep,
    Step,
    Variable,
    VariablesStep,
)
from rigspec.plan.steps.base import LINKS
from rigspec.plan.steps.registry import find_step_kinds

__all__ = [
    "MAX_HELD_IN_TEXT",
    "ImageLayer",
    "certificate_dir",
    "group_omissions",
    "list_links",
    "list_shell_steps",
    "list_variables",
    "order_layers",
    "port_mapping",
    "required_cuda",
    "secret_path",
]

# More held packages than these are in a file.
MAX_HELD_IN_TEXT = 3
_LINKS_TITLE = "Secrets and certificates: containers get them when they start"

_FILES_TITLE = "Settings"

# Since CUDA 11, programs run with any driver for the same major version.
# https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
# Read 2026-11-21.
_FIRST_COMPATIBLE_MAJOR = 11

_PATH = "PATH"


@dataclass(frozen=True)
class ImageLayer:
    """Steps that are one instruction. ``kind`` is that of the steps; ``links`` for symbolic links.

    ``starts_paragraph`` is set if the layer before is of another part of the rig.
    """

    kind: str
    steps: tuple[Step, ...]
    starts_paragraph: bool = True

    @property
    def title(self) -> str:
        """Return the titles of the steps, in one line."""
        if self.kind == LINKS:
            return _LINKS_TITLE
        if self.kind == "file" and len(self.steps) > 1:
            return _FILES_TITLE
        first, *rest = [step.title for step in self.steps]
        return ", ".join([first, *(title.removeprefix("Packages: ") for title in rest)])

    @property
    def is_system(self) -> bool:
        """Return whether it belongs to the system that interpreters are built on."""
        return all(step.image_phase <= ImagePhase.SYSTEM_PACKAGES for step in self.steps)

    @property
    def is_at_start(self) -> bool:
        """Return whether it takes effect when a container starts, without an instruction."""
        return self.steps[0].image_phase is ImagePhase.START

    @property
    def package_lists(self) -> tuple[str, ...]:
        """Return the package lists of the lock that its packages are read from."""
        steps = [step for step in self.steps if isinstance(step, AptPackagesStep)]
        return tuple(step.package_list for step in steps if step.package_list)

    @property
    def unpinned_packages(self) -> tuple[str, ...]:
        """Return the names of the packages that the lock has no version of."""
        steps = [step for step in self.steps if isinstance(step, AptPackagesStep)]
        names = [p.name for step in steps for p in step.packages if p.version is None]
        return tuple(dict.fromkeys(names))

    @property
    def held_names(self) -> tuple[str, ...]:
        """Return the names of the packages that unattended upgrades must not change."""
        steps = [step for step in self.steps if isinstance(step, AptPackagesStep)]
        return tuple(name for step in steps for name in step.held_names)

    @property
    def env_options(self) -> tuple[str, ...]:
        """Return the options of ``rig-image create-env``."""
        return tuple(option for step in self.steps for option in _list_env_options(step))


def order_layers(steps: Iterable[Step]) -> tuple[ImageLayer, ...]:
    """Return the layers of an image, in the order in which they change.

    The order of the plan decides between steps of one phase, and a step follows what it needs.
    """
    ordered = _follow_needs(sorted(steps, key=lambda step: step.image_phase))
    layers: list[ImageLayer] = []
    before: str | None = None
    for instruction, group in groupby(ordered, key=lambda step: step.image_group):
        grouped = tuple(group)
        step, part = grouped[0], _part_of(grouped[0])
        kind = LINKS if instruction == LINKS else step.kind
        layers.append(ImageLayer(kind, grouped, starts_paragraph=part != before))
        before = part
    return tuple(layers)


def list_links(steps: Iterable[Step]) -> Iterator[tuple[str, str]]:
    """Yield the target and the path of each symbolic link to a secret or a certificate."""
    for step in steps:
        yield from step.image_links


def list_shell_steps(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps that an image runs as shell, because their kind has no instruction."""
    kinds = find_step_kinds()
    return tuple(
        step
        for step in steps
        if step.image_phase not in (ImagePhase.LINKS, ImagePhase.START)
        and kinds[step.kind].find_file("docker.j2") is None
    )


def list_variables(steps: Iterable[Step]) -> tuple[Variable, ...]:
    """Return the variables of an image. If it has one environment, that is first in PATH."""
    found = [v for step in steps if isinstance(step, VariablesStep) for v in step.variables]
    environments = [step for step in steps if isinstance(step, EnvironmentStep)]
    if len(environments) != 1:
        return tuple(found)
    programs = f"{environments[0].path}/bin"
    for index, variable in enumerate(found):
        if variable.name == _PATH and variable.prepend:
            found[index] = Variable(_PATH, (programs, *variable.values), prepend=True)
            return tuple(found)
    return (*found, Variable(_PATH, (programs,), prepend=True))


def certificate_dir(step: CertificateStep) -> str:
    """Return the directory of a certificate in a container, which is a volume."""
    return step.image_links[0][0].rpartition("/")[0]


def secret_path(step: SecretStep) -> str:
    """Return the path at which container engines mount a secret."""
    return step.image_links[0][0]


def port_mapping(user: ContainerUser, service: ServiceStep) -> str:
    """Return the mapping that publishes the port of a user's service."""
    address = f"[{user.address}]" if ":" in user.address else user.address
    return f"{address}:{service.port}:{service.port}"


def required_cuda(version: str) -> str:
    """Return the CUDA version that the driver must support to run programs of a version."""
    major, minor = version.split(".")[:2]
    return f"{major}.{0 if int(major) >= _FIRST_COMPATIBLE_MAJOR else minor}"


def group_omissions(omissions: Iterable[Omission]) -> tuple[tuple[str, str], ...]:
    """Return each reason with the items that are not included because of it, shortened."""
    return tuple((reason, _shorten(items)) for reason, items in group_by_reason(omissions))


def _shorten(items: tuple[str, ...]) -> str:
    more = len(items) - 1
    return f"{items[0]}, {more} more" if more else items[0]


def _part_of(step: Step) -> str:
    """Return a key that is equal for steps that are one paragraph."""
    if step.image_phase in (ImagePhase.LINKS, ImagePhase.FILES):
        return "files"
    return f"{step.layer} {step.image_phase is ImagePhase.PLATFORM}"


def _follow_needs(steps: list[Step]) -> list[Step]:
    """Return the steps in the same order, but each after the steps that it needs."""
    waiting = {step.id for step in steps}
    ordered: list[Step] = []
    while steps:
        step = next(step for step in steps if not waiting & set(step.needs))
        steps = [other for other in steps if other is not step]
        waiting.remove(step.id)
        ordered.append(step)
    return ordered


def _list_env_options(step: Step) -> Iterator[str]:
    if isinstance(step, EnvironmentStep):
        if step.bootstrap is not None:
            yield f"--bootstrap={step.bootstrap}"
        if step.index is not None:
            yield f"--index={step.index}"
        yield from (f"--extra-index={index}" for index in step.extra_indexes)
        yield from (f"--build-variable={each}" for each in step.build_variables)
