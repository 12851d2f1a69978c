"""Solves a conda environment: a program of its own, ``python -m rigspec.lock.conda_solver``.

One question as JSON on standard input, one answer as JSON on standard output. It runs apart from
the rest because rattler's runtime has been seen to abort while an interpreter shuts down.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Answer one question and leave without shutting the interpreter down."""
    question = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"packages": asyncio.run(_solve(question))}
    except Exception as error:  # the answer crosses a process border: every failure is told
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
    os._exit(0)


async def _solve(question: dict[str, Any]) -> list[dict[str, Any]]:
    import rattler

    virtual = [
        rattler.GenericVirtualPackage(
            rattler.PackageName(name), rattler.Version(version), rattler.BuildString("0")
        )
        for name, version in question["virtual"]
    ]
    records = await rattler.solve(
        sources=[rattler.Channel(channel) for channel in question["channels"]],
        specs=[rattler.MatchSpec(text) for text in question["specs"]],
        platforms=[rattler.Platform(question["platform"]), rattler.Platform("noarch")],
        virtual_packages=virtual,
    )
    return sorted(
        (
            {
                "name": record.name.normalized,
                "version": str(record.version),
                "build": str(record.build),
                "url": record.url,
                "sha256": record.sha256.hex() if record.sha256 else None,
                "md5": record.md5.hex() if record.md5 else None,
                "depends": list(record.depends),
            }
            for record in records
        ),
        key=lambda found: str(found["name"]),
    )


if __name__ == "__main__":
    main()
