"""Solve a conda environment in a process: ``python -m rigspec.lock.conda.solver_process``.

One request as JSON on standard input, one result as JSON on standard output. It is separate from
the rest because rattler's runtime has been seen to abort while an interpreter shuts down.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

import rattler
from pydantic import TypeAdapter
from rattler.exceptions import GatewayError, SolverError

from rigspec.lock.conda.conflicts import explain_conflict, find_unknown_packages
from rigspec.lock.conda.repodata import Attempt, ChannelTrouble, RepoData
from rigspec.lock.conda.request import ChannelError, CondaPackage, CondaRequest, CondaResult

__all__ = ["main"]


def main() -> None:
    """Answer one request and exit without shutting the interpreter down."""
    question = TypeAdapter(CondaRequest).validate_json(sys.stdin.buffer.read())
    answer = asyncio.run(_answer(question))
    sys.stdout.buffer.write(TypeAdapter(CondaResult).dump_json(answer))
    sys.stdout.flush()
    os._exit(0)


async def _answer(question: CondaRequest) -> CondaResult:
    offers = RepoData(question)
    try:
        return await _solved(question, offers)
    except ChannelTrouble as error:
        return CondaResult(trouble=ChannelError(error.channel, str(error)))
    except GatewayError as error:
        return CondaResult(trouble=await _trouble(offers, str(error)))


async def _solved(question: CondaRequest, offers: RepoData) -> CondaResult:
    names = await offers.names()
    unknown = find_unknown_packages(question.lines, names)
    if unknown is not None:
        return CondaResult(conflict=unknown)
    wishes = [wish for wish in question.wishes if _name(wish) in names]
    attempt = Attempt(offers, await _kept(question, offers, names))
    for extra in (wishes, []) if wishes else ([],):
        try:
            return CondaResult(_packages(await attempt.solved(question.lines, extra)))
        except SolverError as error:
            words = str(error)
    return CondaResult(conflict=await explain_conflict(question.lines, attempt, words))


async def _kept(
    question: CondaRequest, offers: RepoData, names: frozenset[str]
) -> tuple[rattler.RepoDataRecord, ...]:
    found = []
    for name, md5 in question.kept:
        if name in names:
            records = await offers.of(name)
            found += [r for r in records if r.md5 is not None and r.md5.hex() == md5]
    return tuple(found)


async def _trouble(offers: RepoData, why: str) -> ChannelError:
    """Return the error, and the channel if one cannot be read at all."""
    try:
        await offers.names()
    except ChannelTrouble as error:
        return ChannelError(error.channel, str(error))
    return ChannelError(None, why)


def _packages(records: Sequence[rattler.RepoDataRecord]) -> tuple[CondaPackage, ...]:
    return tuple(
        CondaPackage(
            name=record.name.normalized,
            version=str(record.version),
            build=str(record.build),
            url=record.url,
            sha256=record.sha256.hex() if record.sha256 else None,
            md5=record.md5.hex() if record.md5 else None,
            depends=tuple(record.depends),
            python=record.noarch.python or any(_name(d) == "python" for d in record.depends),
        )
        for record in sorted(records, key=lambda record: record.name.normalized)
    )


def _name(spec: str) -> str:
    return spec.partition(" ")[0].lower()


if __name__ == "__main__":
    main()
