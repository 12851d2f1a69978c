"""Compare the software of two machines: locks and compiled cloud-init files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rigspec.backend.discovery import Backend
from rigspec.backend.render import compile_plan
from rigspec.backend.size_limits import OutputTooLarge, limit_of
from rigspec.compare.cloud_init import LIMIT, PROVIDER, iterate_first_boot_items
from rigspec.compare.items import (
    ComparedItem,
    iterate_locked_items,
    iterate_resolved_items,
    iterate_step_items,
)
from rigspec.compare.model import DifferentItem, LayerCount, SoftwareComparison
from rigspec.lock.model import Lock
from rigspec.plan.build import build_plan
from rigspec.plan.model import Plan
from rigspec.resolution import Resolution
from rigspec.spec.models.rig import Rig

__all__ = ["Resolutions", "UsableLock", "compare_locked_software", "compare_resolved_software"]

# Explains the version of a component: called with the name of a machine and the component.
VersionExplainer = Callable[[str, str], str]


@dataclass(frozen=True)
class UsableLock:
    """A lock that matches the spec, its sha256, and the backend to compile for."""

    lock: Lock
    digest: str
    backend: Backend


@dataclass(frozen=True)
class Resolutions:
    """The resolutions of two machines; None for a conflict."""

    a: Resolution | None
    b: Resolution | None


def compare_locked_software(
    rig: Rig, names: tuple[str, str], lock: UsableLock, explain: VersionExplainer
) -> SoftwareComparison:
    """Compare two machines by their locks, plans and compiled cloud-init files."""
    not_compared: list[str] = []
    plans = [build_plan(rig, lock.lock, name, lock.digest) for name in names]
    machines = {machine.resolution.machine: machine for machine in lock.lock.machines}
    compiled = [_compile_first_boot(plan, lock.backend, not_compared) for plan in plans]
    sides: list[list[ComparedItem]] = []
    for name, plan, files in zip(names, plans, compiled, strict=True):
        # If one file cannot be compiled, the other one is not compared either.
        first_boot = files if not not_compared and files is not None else []
        steps = iterate_step_items(lock.backend.steps(plan))
        sides.append([*iterate_locked_items(machines[name]), *steps, *first_boot])
    reasons = _DifferenceReasons(rig, names, (plans[0], plans[1]), lock.backend, explain)
    layers, differences = _compare_items(sides[0], sides[1], reasons.explain)
    return SoftwareComparison("lock", layers, differences, lock.digest, tuple(not_compared))


def compare_resolved_software(
    rig: Rig,
    names: tuple[str, str],
    decided: Resolutions,
    lock_problem: str,
    explain: VersionExplainer,
) -> SoftwareComparison:
    """Compare only the versions of two machines, without a lock."""
    if decided.a is None or decided.b is None:
        missing = [
            name
            for name, resolution in zip(names, (decided.a, decided.b), strict=True)
            if resolution is None
        ]
        reason = f"software, because {' and '.join(missing)} has conflicts; run `rigspec check`"
        return SoftwareComparison("none", (), (), not_compared=(reason,))
    reasons = _DifferenceReasons(rig, names, None, None, explain)
    sides = [list(iterate_resolved_items(resolution)) for resolution in (decided.a, decided.b)]
    layers, differences = _compare_items(sides[0], sides[1], reasons.explain)
    not_compared = (
        f"packages, files, services and cloud-init files, because {lock_problem}; "
        "run `rigspec lock`, then compare again",
    )
    return SoftwareComparison("resolution", layers, differences, not_compared=not_compared)


def _compile_first_boot(
    plan: Plan, backend: Backend, not_compared: list[str]
) -> list[ComparedItem] | None:
    try:
        lock_files = {file.name: file.content for file in plan.payload}
        return list(iterate_first_boot_items(compile_plan(plan, backend), lock_files))
    except OutputTooLarge as error:
        not_compared.append(
            f"cloud-init files, because that of {plan.machine} has {error.size} bytes and "
            f"{error.limit.provider} accepts {error.limit.size}; see `rigspec explain RS605`"
        )
        return None


def _compare_items(
    a: Sequence[ComparedItem],
    b: Sequence[ComparedItem],
    explain: Callable[[ComparedItem | None, ComparedItem | None], str],
) -> tuple[tuple[LayerCount, ...], tuple[DifferentItem, ...]]:
    """Return the number of equal items of each layer, and the different items."""
    items_a, items_b = _index_by_name(a), _index_by_name(b)
    keys = list(dict.fromkeys([*items_a, *items_b]))
    layers = dict.fromkeys([*_ORDER, *sorted({layer for layer, _ in keys})])
    format_count: list[LayerCount] = []
    differences: list[DifferentItem] = []
    for layer in layers:
        in_layer = [key for key in keys if key[0] == layer]
        if layer != "versions":  # versions keep the order of resolution
            in_layer.sort()
        differ = [key for key in in_layer if not _is_same(items_a.get(key), items_b.get(key))]
        if in_layer:
            format_count.append(LayerCount(layer, len(in_layer) - len(differ), len(differ)))
        differences += [_build_item(items_a.get(key), items_b.get(key), explain) for key in differ]
    return tuple(format_count), tuple(differences)


_ORDER = (
    *("versions", "kernel arguments", "packages", "repositories", "archives", "base image"),
    *("downloads", "environments", "Python packages", "conda packages", "settings", "files"),
    *("variables", "users", "services", "checks", "reboot", "not pinned", "first boot"),
)


def _index_by_name(items: Iterable[ComparedItem]) -> dict[tuple[str, str], ComparedItem]:
    """Return items by layer and name; repeated names get a number."""
    index: dict[tuple[str, str], ComparedItem] = {}
    for item in items:
        key, number = (item.layer, item.name), 1
        while key in index:
            number += 1
            key = (item.layer, f"{item.name} ({number})")
        index[key] = item
    return index


def _is_same(a: ComparedItem | None, b: ComparedItem | None) -> bool:
    if a is None or b is None:
        return False
    return (a.value, a.content) == (b.value, b.content)


def _build_item(
    a: ComparedItem | None,
    b: ComparedItem | None,
    explain: Callable[[ComparedItem | None, ComparedItem | None], str],
) -> DifferentItem:
    # Equal values with different content are shown by their checksums.
    by_content = a is not None and b is not None and a.value == b.value
    value_a, value_b = (
        None if item is None else item.display_value if by_content else item.value
        for item in (a, b)
    )
    known = a or b
    layer, name = (known.layer, known.name) if known is not None else ("", "")
    return DifferentItem(layer, name, value_a, value_b, explain(a, b))


class _DifferenceReasons:
    """Explains differences between two machines from the spec, the plan and the resolver."""

    def __init__(
        self,
        rig: Rig,
        names: tuple[str, str],
        plans: tuple[Plan, Plan] | None,
        backend: Backend | None,
        explain: VersionExplainer,
    ) -> None:
        self._rig = rig
        self._names = names
        self._plans = plans
        self._backend = backend
        self._explain = explain

    def explain(self, a: ComparedItem | None, b: ComparedItem | None) -> str:
        """Return the reason for a difference, or an empty string if it is unknown."""
        item = a or b
        if item is None:
            return ""
        if item.layer == "kernel arguments":
            return "only in the spec of this machine"
        if item.layer == "first boot":
            return self._explain_first_boot(item)
        if item.about in ("os", "arch", "glibc"):
            return "each machine has its operating system in the spec" if item.about == "os" else ""
        if item.about:
            texts = (f"{name}: {self._explain(name, item.about)}" for name in self._names)
            return "; ".join(text for text in texts if not text.endswith(": "))
        if item.layer == "checks":
            return "verifies a difference above"
        if item.layer in ("packages", "repositories", "archives", "downloads"):
            return self._explain_part(item)
        return ""

    def _explain_part(self, item: ComparedItem) -> str:
        machines = [self._rig.machine[name] for name in self._names]
        if machines[0].os != machines[1].os:
            return "the operating systems differ"
        if item.part in ("driver", "cuda", "cudnn"):
            return f"part of the {_PARTS[item.part]}"
        return ""

    def _explain_first_boot(self, item: ComparedItem) -> str:
        if item.part == PROVIDER:
            return "only for machines that are not in a cloud"
        if item.part == LIMIT and self._plans is not None and self._backend is not None:
            bounds = [
                limit_of("user-data", self._backend.limits, p.deployment) for p in self._plans
            ]
            texts = [f"{b.provider} accepts {b.size} bytes of user-data" for b in bounds if b]
            return "; ".join(dict.fromkeys(texts))
        return "installs a difference above"


_PARTS: Mapping[str, str] = {"driver": "driver", "cuda": "toolkit", "cudnn": "cuDNN"}
