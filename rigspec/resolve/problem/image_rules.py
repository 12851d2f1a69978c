"""Requirements of a base image: a driver, and the compute capability of each GPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rigspec.matrix.images import get_image_driver
from rigspec.matrix.model import Condition, Matrix, Release, Rule
from rigspec.resolve.problem.base_image import find_image_tag
from rigspec.resolve.problem.model import DECLARED, BoundRule, RuleTable
from rigspec.resolve.problem.requirements import DeclaredGpu, get_gpu_key
from rigspec.spec.models.rig import Rig

__all__ = ["build_image_driver_rule", "list_image_capability_rules"]

# First words of the names of cards that the runtime treats as GeForce or TITAN cards.
_CONSUMER = ("geforce", "titan")


def build_image_driver_rule(
    rig: Rig, gpus: Iterable[DeclaredGpu], matrix: Matrix
) -> RuleTable | None:
    """Return the rule about the driver that starts a container of an image, if it is known.

    A card that the spec does not name can be a GeForce, for which fewer drivers are admitted.
    """
    base = rig.container.base if rig.container is not None else None
    driver = get_image_driver(base) if base is not None else None
    if base is None or driver is None:
        return None
    image = base.partition("@")[0]
    names = [_name(gpu, matrix) for gpu in gpus]
    consumer = not names or any(name.lower().startswith(_CONSUMER) for name in names)
    branches = driver.geforce if consumer else driver.others
    statement = f"a container of {image} starts with driver {driver.minimum} or newer"
    if branches:
        statement += f", or {', '.join(branches)}"
    if set(driver.others) - set(branches):
        others = ", ".join(driver.others)
        statement += f"; with data-center and professional cards also with {others}"
    requires = ("driver", (f">={driver.minimum}", *branches))
    when = (("image", (DECLARED,)),)
    rule = Rule(
        id=f"image-{image.rpartition(':')[2]}/driver",
        table="image/driver",
        code="RS231",
        when=tuple(Condition(*condition) for condition in when),
        requires=Condition(*requires),
        statement=statement,
        failure_message=_failure(rig),
        sources=driver.sources,
        confidence="high",
    )
    return RuleTable("image:image/driver", (BoundRule(rule, when, requires),))


def list_image_capability_rules(image: Release, gpus: int) -> Iterator[RuleTable]:
    """Yield the rule of an image about the compute capability of each of so many GPUs."""
    oldest = image.get("compute_capability")
    for index in range(gpus if oldest is not None else 0):
        requires = (get_gpu_key(index, "compute_capability"), (f">={oldest}",))
        rule = Rule(
            id=f"image-{image.version}/compute_capability",
            table="image/compute_capability",
            code="RS231",
            when=(Condition("image", (DECLARED,)),),
            requires=Condition("compute_capability", requires[1]),
            statement=f"{image.label.replace(' ', ':')} supports compute capability {oldest} "
            "and newer",
            failure_message="",
            sources=image.sources,
            confidence=image.confidence,
        )
        row = BoundRule(rule, (("image", (DECLARED,)),), requires)
        yield RuleTable(f"image:{rule.table}:{index}", (row,))


def _failure(rig: Rig) -> str:
    """Return the error of the container runtime, which only images of nvidia/cuda cause."""
    tag = find_image_tag(rig)
    if tag is None:
        return ""
    series = ".".join(tag.partition("-")[0].split(".")[:2])
    return f"nvidia-container-cli: requirement error: unsatisfied condition: cuda>={series}"


def _name(gpu: DeclaredGpu, matrix: Matrix) -> str:
    part = gpu.part(matrix) if gpu.instance is None else None
    return part.label if part is not None else gpu.model or ""
