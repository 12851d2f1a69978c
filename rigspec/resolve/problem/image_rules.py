"""Drivers that the container runtime requires for a base image."""

from __future__ import annotations

from collections.abc import Iterable

from rigspec.matrix.loader import load_image_driver
from rigspec.matrix.model import Condition, Matrix, Rule
from rigspec.resolve.problem.model import BoundRule, RuleTable
from rigspec.resolve.problem.requirements import DECLARED, DeclaredGpu

__all__ = ["image_driver_rule"]

# First words of the names of cards that the runtime treats as GeForce or TITAN cards.
_CONSUMER = ("geforce", "titan")


def image_driver_rule(tag: str, gpus: Iterable[DeclaredGpu], matrix: Matrix) -> RuleTable | None:
    """Return the rule about the driver that starts a container of an image, if it is known.

    A card that the spec does not name can be a GeForce, for which fewer drivers are admitted.
    """
    driver = load_image_driver(tag)
    if driver is None:
        return None
    names = [_name(gpu, matrix) for gpu in gpus]
    consumer = not names or any(name.lower().startswith(_CONSUMER) for name in names)
    branches = driver.geforce if consumer else driver.others
    statement = f"a container of nvidia/cuda:{tag} starts with driver {driver.minimum} or newer"
    if branches:
        statement += f", or {', '.join(branches)}"
    if set(driver.others) - set(branches):
        kind = "these cards" if not consumer else "data-center and professional cards"
        statement += f"; with {kind} also with {', '.join(driver.others)}"
    requires = ("driver", (f">={driver.minimum}", *branches))
    when = (("image", (DECLARED,)),)
    rule = Rule(
        id=f"image-{tag}/driver",
        table="image/driver",
        code="RS231",
        when=tuple(Condition(*condition) for condition in when),
        requires=Condition(*requires),
        statement=statement,
        failure_message="nvidia-container-cli: requirement error: unsatisfied condition: cuda>="
        + ".".join(tag.partition("-")[0].split(".")[:2]),
        sources=driver.sources,
        confidence="high",
    )
    return RuleTable("image:image/driver", (BoundRule(rule, when, requires),))


def _name(gpu: DeclaredGpu, matrix: Matrix) -> str:
    part = gpu.part(matrix) if gpu.instance is None else None
    return part.label if part is not None else gpu.model or ""
