"""Is the software the same: two locks and two compiled first boots, item by item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rigspec.backend.discovery import Backend
from rigspec.backend.render import compile_plan
from rigspec.backend.size_limits import OutputTooLarge, limit_of
from rigspec.compare.cloud_init import LIMIT, PROVIDER, first_boot_promises
from rigspec.compare.items import ComparedItem, locked_promises, resolved_promises, step_promises
from rigspec.compare.model import Counted, Item, Software
from rigspec.lock.model import Lock
from rigspec.plan.build import build_plan
from rigspec.plan.model import Plan
from rigspec.resolution import Resolution
from rigspec.spec.models.rig import Rig

__all__ = ["Decided", "UsableLock", "locked_software", "resolved_software"]

# Why a component is of this version on a machine: its name, and the component.
Reason = Callable[[str, str], str]


@dataclass(frozen=True)
class UsableLock:
    """A lock that fits the spec, its sha256, and the target whose files are compared."""

    lock: Lock
    digest: str
    backend: Backend


@dataclass(frozen=True)
class Decided:
    """What was decided for two machines; None where one of them cannot exist."""

    a: Resolution | None
    b: Resolution | None


def locked_software(rig: Rig, names: tuple[str, str], held: UsableLock, reason: Reason) -> Software:
    """Everything that two machines get, by their locks, plans and compiled cloud-init files."""
    without: list[str] = []
    plans = [build_plan(rig, held.lock, name, held.digest) for name in names]
    machines = {machine.resolution.machine: machine for machine in held.lock.machines}
    compiled = [_compiled(plan, held.backend, without) for plan in plans]
    sides: list[list[ComparedItem]] = []
    for name, plan, files in zip(names, plans, compiled, strict=True):
        # Where one file cannot be compiled, there is nothing to hold the other against.
        first_boot = files if not without and files is not None else []
        steps = step_promises(held.backend.steps(plan))
        sides.append([*locked_promises(machines[name]), *steps, *first_boot])
    told = _DifferenceReasons(rig, names, (plans[0], plans[1]), held.backend, reason)
    layers, differences = _held_together(sides[0], sides[1], told.why)
    return Software("lock", layers, differences, held.digest, tuple(without))


def resolved_software(
    rig: Rig, names: tuple[str, str], decided: Decided, why_no_lock: str, reason: Reason
) -> Software:
    """As much as can be said without a lock: the versions, where both machines can exist."""
    if decided.a is None or decided.b is None:
        missing = [
            name
            for name, resolution in zip(names, (decided.a, decided.b), strict=True)
            if resolution is None
        ]
        told = f"{' and '.join(missing)} cannot exist as the rig says; `rigspec check` tells why"
        return Software("none", (), (), without=(told,))
    why = _DifferenceReasons(rig, names, None, None, reason).why
    sides = [list(resolved_promises(resolution)) for resolution in (decided.a, decided.b)]
    layers, differences = _held_together(sides[0], sides[1], why)
    without = (
        f"{why_no_lock}: only the versions were compared; packages, files, services and the "
        "compiled cloud-init files were not. Run `rigspec lock`, then compare again",
    )
    return Software("resolution", layers, differences, without=without)


def _compiled(plan: Plan, backend: Backend, without: list[str]) -> list[ComparedItem] | None:
    try:
        return list(first_boot_promises(compile_plan(plan, backend)))
    except OutputTooLarge as error:
        without.append(
            f"the compiled cloud-init files: that of {plan.machine} has {error.size} bytes, and "
            f"{error.limit.provider} takes {error.limit.size}; `rigspec explain RS605` tells more"
        )
        return None


def _held_together(
    a: Sequence[ComparedItem],
    b: Sequence[ComparedItem],
    why: Callable[[ComparedItem | None, ComparedItem | None], str],
) -> tuple[tuple[Counted, ...], tuple[Item, ...]]:
    """The layers in their order, with how much of each is the same, and what is not."""
    ours, theirs = _by_name(a), _by_name(b)
    keys = list(dict.fromkeys([*ours, *theirs]))
    layers = dict.fromkeys([*_ORDER, *sorted({layer for layer, _ in keys})])
    counted: list[Counted] = []
    differences: list[Item] = []
    for layer in layers:
        here = sorted(key for key in keys if key[0] == layer)
        # Versions stand in the order in which a rig is built up; all else by name.
        here = [key for key in keys if key[0] == layer] if layer == "versions" else here
        differ = [key for key in here if not _same(ours.get(key), theirs.get(key))]
        if here:
            counted.append(Counted(layer, len(here) - len(differ), len(differ)))
        differences += [_item(ours.get(key), theirs.get(key), why) for key in differ]
    return tuple(counted), tuple(differences)


_ORDER = (
    *("versions", "kernel arguments", "packages", "repositories", "archives", "base image"),
    *("downloads", "environments", "Python packages", "conda packages", "settings", "files"),
    *("variables", "users", "services", "checks", "reboot", "left unpinned", "first boot"),
)


def _by_name(promises: Iterable[ComparedItem]) -> dict[tuple[str, str], ComparedItem]:
    """By layer and name; a name that comes again is told apart by its number."""
    found: dict[tuple[str, str], ComparedItem] = {}
    for promise in promises:
        key, again = (promise.layer, promise.name), 1
        while key in found:
            again += 1
            key = (promise.layer, f"{promise.name} ({again})")
        found[key] = promise
    return found


def _same(a: ComparedItem | None, b: ComparedItem | None) -> bool:
    if a is None or b is None:
        return False
    return (a.value, a.content) == (b.value, b.content)


def _item(
    a: ComparedItem | None,
    b: ComparedItem | None,
    why: Callable[[ComparedItem | None, ComparedItem | None], str],
) -> Item:
    # What is the same to the letter and not in its bytes is told by its bytes.
    by_bytes = a is not None and b is not None and a.value == b.value
    ours, theirs = (
        None if promise is None else promise.shown if by_bytes else promise.value
        for promise in (a, b)
    )
    known = a or b
    layer, name = (known.layer, known.name) if known is not None else ("", "")
    return Item(layer, name, ours, theirs, why(a, b))


class _DifferenceReasons:
    """Why two machines of one rig differ, as far as the spec, the plan and the resolver tell."""

    def __init__(
        self,
        rig: Rig,
        names: tuple[str, str],
        plans: tuple[Plan, Plan] | None,
        backend: Backend | None,
        reason: Reason,
    ) -> None:
        self._rig = rig
        self._names = names
        self._plans = plans
        self._backend = backend
        self._reason = reason

    def why(self, a: ComparedItem | None, b: ComparedItem | None) -> str:
        """A sentence, or nothing where nobody says."""
        promise = a or b
        if promise is None:
            return ""
        if promise.layer == "kernel arguments":
            return "the spec gives it to this machine only"
        if promise.layer == "first boot":
            return self._first_boot(promise)
        if promise.about in ("os", "arch", "glibc"):
            return "each machine names its own system" if promise.about == "os" else ""
        if promise.about:
            told = (f"{name}: {self._reason(name, promise.about)}" for name in self._names)
            return "; ".join(text for text in told if not text.endswith(": "))
        if promise.layer == "checks":
            return "it looks at what differs above"
        if promise.layer in ("packages", "repositories", "archives", "downloads"):
            return self._of_part(promise)
        return ""

    def _of_part(self, promise: ComparedItem) -> str:
        machines = [self._rig.machine[name] for name in self._names]
        if machines[0].os != machines[1].os:
            return "the systems differ"
        if promise.part in ("driver", "cuda", "cudnn"):
            return f"it comes with the {_PARTS[promise.part]}"
        return ""

    def _first_boot(self, promise: ComparedItem) -> str:
        if promise.part == PROVIDER:
            return "for a machine without a cloud that brings its own"
        if promise.part == LIMIT and self._plans is not None and self._backend is not None:
            bounds = [
                limit_of("user-data", self._backend.limits, p.deployment) for p in self._plans
            ]
            told = [f"{b.provider} takes {b.size} bytes of user-data" for b in bounds if b]
            return "; ".join(dict.fromkeys(told))
        return "it carries out what differs above"


_PARTS: Mapping[str, str] = {"driver": "driver", "cuda": "toolkit", "cudnn": "cuDNN"}
