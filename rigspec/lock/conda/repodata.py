"""The packages of channels. Only the solver's own process imports rattler."""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Sequence

import rattler
from rattler.exceptions import GatewayError

from rigspec.lock.conda.request import CondaRequest, RequestedSpec
from rigspec.net.limits import scale_limit

__all__ = ["Attempt", "ChannelTrouble", "RepoData"]

# Conda's own variable for how long a channel may be silent, and its default, in seconds.
_PATIENCE = "CONDA_REMOTE_READ_TIMEOUT_SECS"
_PATIENCE_S = 60
_RETRIES = 2


class ChannelTrouble(Exception):
    """A channel, by its name, cannot be read."""

    def __init__(self, channel: str, why: str) -> None:
        super().__init__(why)
        self.channel = channel


class RepoData:
    """The channels of a request, each read once."""

    def __init__(self, question: CondaRequest) -> None:
        self.question = question
        self.channels = tuple((name, rattler.Channel(url)) for name, url in question.channels)
        patience = os.environ.get(_PATIENCE, "")
        silence = int(patience) if patience.isdigit() else math.ceil(scale_limit(_PATIENCE_S))
        client = rattler.Client.default_client(max_retries=_RETRIES, timeout=silence)
        self.gateway = rattler.Gateway(client=client)
        self.platforms = [rattler.Subdir(question.platform), rattler.Subdir("noarch")]
        self._records: dict[str, tuple[rattler.RepoDataRecord, ...]] = {}

    async def names(self) -> frozenset[str]:
        """Return the names of all packages. Raises ChannelTrouble."""
        found: set[str] = set()
        for name, channel in self.channels:
            try:
                names = await self.gateway.names([channel], self.platforms)
            except GatewayError as error:
                raise ChannelTrouble(name, str(error)) from None
            found.update(name.normalized for name in names)
        return frozenset(found)

    async def of(self, name: str) -> tuple[rattler.RepoDataRecord, ...]:
        """Return every record of a package in all channels, newest first. Raises GatewayError."""
        if name not in self._records:
            sources = [channel for _, channel in self.channels]
            found = await self.gateway.query(sources, self.platforms, [name], recursive=False)
            records = [record for listed in found for record in listed]
            records.sort(key=lambda r: (r.version, r.build_number, r.file_name), reverse=True)
            self._records[name] = tuple(records)
        return self._records[name]

    def channel_of(self, record: rattler.RepoDataRecord) -> str:
        """Return the name of the channel of a record."""
        for name, channel in self.channels:
            if record.url.startswith(channel.base_url):
                return name
        return record.channel


class Attempt:
    """A solve that can be repeated with less: without channel priority, without the day."""

    def __init__(self, offers: RepoData, kept: Sequence[rattler.RepoDataRecord]) -> None:
        self.offers = offers
        self._kept = list(kept)
        self._virtual = [
            rattler.GenericVirtualPackage(
                rattler.PackageName(found.name),
                rattler.Version(found.version),
                rattler.BuildString(found.build),
            )
            for found in offers.question.virtual
        ]

    async def solved(
        self,
        lines: Sequence[RequestedSpec],
        wishes: Sequence[str] = (),
        *,
        strict: bool = True,
        dated: bool = True,
    ) -> list[rattler.RepoDataRecord]:
        """Return the records that satisfy the request. Raises SolverError or GatewayError."""
        priority = rattler.ChannelPriority
        # Requested by name alone, the rest as constraints: rattler would skip a
        # channel that has the package, but no requested version.
        names = dict.fromkeys(line.spec.partition(" ")[0] for line in lines if not line.bound)
        return await rattler.solve(
            sources=[channel for _, channel in self.offers.channels],
            specs=[rattler.MatchSpec(name) for name in names],
            gateway=self.offers.gateway,
            platforms=self.offers.platforms,
            locked_packages=self._kept,
            virtual_packages=self._virtual,
            channel_priority=priority.Strict if strict else priority.Disabled,
            exclude_newer=self._until() if dated else None,
            constraints=[
                rattler.MatchSpec(text) for text in (*(line.spec for line in lines), *wishes)
            ],
            channel_relations="disabled",
        )

    def _until(self) -> dt.datetime | None:
        until = self.offers.question.until
        if until is None:
            return None
        return dt.datetime.fromtimestamp(until / 1000, dt.timezone.utc)
