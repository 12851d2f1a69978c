"""Resolvers that are separate programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from rigspec.lock.errors import index_failure
from rigspec.lock.python.request import ResolveRequest

__all__ = ["run_engine"]

_LIMIT_S = 600


def run_engine(
    question: ResolveRequest, command: Sequence[str], lines: str, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a resolver with ``lines`` on its standard input. Raises LockError where it hangs."""
    try:
        return subprocess.run(
            list(command),
            input=lines,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        why = f"no result after {_LIMIT_S} s"
        raise index_failure(f"the packages of `{question.env}`", why) from None
