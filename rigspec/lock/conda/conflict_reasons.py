"""Sentences on why lines conflict: the package that requires something, and why it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import rattler

from rigspec.lock.conda.repodata import RepoData
from rigspec.lock.conda.request import RequestedSpec, VirtualPackage

__all__ = ["ConflictExplainer"]

_DEPTH = 4
_AT_MOST = 3
# What lacks a record of its virtual package, and what that means.
_ABSENT = {"__cuda": "this machine has no NVIDIA driver"}
_CALLED = {"__cuda": "CUDA", "__glibc": "glibc", "__archspec": "a processor", "__linux": "Linux"}


@dataclass(frozen=True)
class _Step:
    """A package of a channel requires something; ``denied`` states why it is missing, unless that
    is because of another package.
    """

    package: str
    version: str
    place: str
    wanted: str
    versions: str
    denied: str


_Chain = tuple[_Step, ...]


class ConflictExplainer:
    """Finds the reasons that exclude each candidate of the lines of a conflict."""

    def __init__(
        self, offers: RepoData, lines: Sequence[RequestedSpec], *, strict: bool, dated: bool
    ) -> None:
        self._offers = offers
        self._requested = {line.spec.partition(" ")[0]: line for line in lines}
        self._strict = strict
        self._dated = dated
        self._virtual = {virtual.name: virtual for virtual in offers.question.virtual}
        self._reasons: dict[str, _Chain | None] = {}

    async def sentences(self) -> tuple[str, ...]:
        """Return a few reasons, the newest candidate's first; none where there is no simple one."""
        found: list[str] = []
        for name, line in self._requested.items():
            if line.bound:
                continue
            candidates = await self._admitted(name, line.spec)
            if not candidates:
                return (await self._nothing(name, line.spec),)
            chains = [await self._blocked(record, _DEPTH) for record in candidates]
            blocked = [chain for chain in chains if chain]
            if blocked and None not in chains:
                return _sentences(blocked)
            found += _sentences(blocked)
        return tuple(dict.fromkeys(found))[:_AT_MOST]

    async def _nothing(self, name: str, spec: str) -> str:
        records = await self._offers.of(name)
        dated = [record for record in records if self._in_time(record)]
        if not dated:
            if all(record.timestamp is None for record in records):
                return f"no {name} states its upload time, which `as_of` needs"
            return f"no {name} is from that day or before"
        first = [record for record in dated if self._first(record, dated)]
        known = sorted({record.version for record in first})
        span = str(known[0]) if len(known) == 1 else f"{known[0]} to {known[-1]}"
        text = f"{self._place(first[0])} has {name} {span}"
        beyond = [record for record in dated if record.matches(rattler.MatchSpec(spec))]
        if beyond and self._strict:
            text += f", and comes before {self._place(beyond[0])}, which has {beyond[0].version}"
        return text

    async def _blocked(self, record: rattler.RepoDataRecord, depth: int) -> _Chain | None:
        """Return why this record is excluded, as steps; None where there is no simple reason."""
        key = f"{record.url} {depth}"
        if key not in self._reasons:
            self._reasons[key] = None  # a ring of dependencies stops nothing
            self._reasons[key] = await self._blocker(record, depth)
        return self._reasons[key]

    async def _blocker(self, record: rattler.RepoDataRecord, depth: int) -> _Chain | None:
        for text in record.constrains:
            name = text.partition(" ")[0]
            if name in self._virtual and not self._is_met(self._virtual[name], text):
                return (self._requirement_step(record, text, self._virtual[name].statement),)
        deeper: _Chain | None = None
        for text in record.depends:
            name = text.partition(" ")[0]
            if name.startswith("__"):
                denied = self._absence_reason(name, text)
                if denied is not None:
                    return (self._requirement_step(record, text, denied),)
                continue
            matching = await self._admitted(name, text)
            if not matching:
                return (self._requirement_step(record, text, await self._lacking(name, text)),)
            if depth and deeper is None:
                chains = [await self._blocked(other, depth - 1) for other in matching]
                if None not in chains:
                    # The last is the oldest, which requires the least.
                    deeper = (self._requirement_step(record, text, ""), *(chains[-1] or ()))
        return deeper

    async def _lacking(self, name: str, text: str) -> str:
        line = self._requested.get(name)
        if line is not None and await self._within(name, text):
            return line.label
        if not await self._offers.of(name):
            return "no channel has it"
        return await self._nothing(name, text)

    async def _admitted(self, name: str, text: str) -> list[rattler.RepoDataRecord]:
        """Return the records that satisfy a dependency and the lines of the conflict."""
        line = self._requested.get(name)
        found = await self._within(name, text)
        if line is None:
            return found
        requested = rattler.MatchSpec(line.spec)
        return [record for record in found if record.matches(requested)]

    async def _within(self, name: str, text: str) -> list[rattler.RepoDataRecord]:
        spec = rattler.MatchSpec(text)
        records = [record for record in await self._offers.of(name) if self._in_time(record)]
        return [r for r in records if self._first(r, records) and r.matches(spec)]

    def _first(
        self, record: rattler.RepoDataRecord, records: Sequence[rattler.RepoDataRecord]
    ) -> bool:
        """Return whether no channel before this record's has the package."""
        order = [name for name, _ in self._offers.channels]
        if not self._strict:
            return True
        least = min(order.index(self._offers.channel_of(other)) for other in records)
        return order.index(self._offers.channel_of(record)) == least

    def _in_time(self, record: rattler.RepoDataRecord) -> bool:
        until = self._offers.question.until
        if until is None or not self._dated:
            return True
        return record.timestamp is not None and record.timestamp.timestamp() * 1000 <= until

    def _absence_reason(self, name: str, text: str) -> str | None:
        virtual = self._virtual.get(name)
        if virtual is None:
            return _ABSENT.get(name, f"this machine has no {name.strip('_')}")
        return None if self._is_met(virtual, text) else virtual.statement

    def _is_met(self, virtual: VirtualPackage, text: str) -> bool:
        build = rattler.BuildString(virtual.build)
        record = rattler.PackageRecord(virtual.name, virtual.version, build, 0, "noarch")
        return record.matches(rattler.MatchSpec(text))

    def _requirement_step(self, record: rattler.RepoDataRecord, text: str, denied: str) -> _Step:
        name, _, versions = text.partition(" ")
        package = record.name.normalized
        place, version = self._place(record), str(record.version)
        return _Step(package, version, place, _CALLED.get(name, name), versions, denied)

    def _place(self, record: rattler.RepoDataRecord) -> str:
        return f"the channel `{self._offers.channel_of(record)}`"


def _sentences(chains: Sequence[_Chain]) -> tuple[str, ...]:
    """Return a few sentences for many chains; those that differ only in versions are merged."""
    alike: dict[tuple[tuple[str, str], ...], list[_Chain]] = {}
    for chain in chains:
        alike.setdefault(tuple((s.package, s.wanted) for s in chain), []).append(chain)
    text = [_merge_steps(steps) for same in alike.values() for steps in zip(*same, strict=True)]
    return tuple(dict.fromkeys(text))[:_AT_MOST]


def _merge_steps(steps: Sequence[_Step]) -> str:
    versions = list(dict.fromkeys(step.version for step in steps))
    span = versions[0] if len(versions) == 1 else f"{versions[-1]} to {versions[0]}"
    wants = sorted({step.versions for step in steps})
    wanted = " or ".join(wants) if len(wants) <= _AT_MOST else f"{wants[0]} or the like"
    first = steps[-1]
    text = f"{first.package} {span} of {first.place} requires {first.wanted} {wanted}".strip()
    return f"{text}; {first.denied}" if first.denied else text
