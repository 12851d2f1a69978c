"""Run targets for a time: `python -m tests.fuzz TARGET... --seconds 600`.

Coverage guides the inputs where atheris is installed. Inputs that fail stay in the corpus folder of
the target; so do those that reach new code.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.run import Tally, build_reader, read_at_random
from tests.fuzz.targets import TARGETS, Target

# Where libFuzzer collects inputs, next to what hypothesis remembers.
_CORPUS = Path(".hypothesis/fuzz")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600, help="time for each target")
    parser.add_argument("--answers", type=int, help="print a digest of so many answers and end")
    parser.add_argument("--no-coverage", action="store_true", help="do not use atheris")
    arguments = parser.parse_args()
    if arguments.answers:
        for name, target in TARGETS.items():
            print(name, _digest_answers(target, arguments.answers))
        return
    failed = False
    for name in arguments.target or TARGETS:
        failed |= _fuzz(name, arguments.seconds, is_guided=not arguments.no_coverage)
    sys.exit(failed)


def _digest_answers(target: Target, count: int) -> str:
    digest = hashlib.sha256()

    @seed(2)
    @settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def read(data: Any) -> None:
        digest.update(target.run(data.draw(target.inputs)).encode("utf-8", "surrogatepass"))

    read()
    return digest.hexdigest()


def _fuzz(name: str, seconds: int, *, is_guided: bool) -> bool:
    """Run one target in a child process; return whether an input fails."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _fuzz_guided(name, seconds) if is_guided else _fuzz_at_random(name, seconds)
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def _fuzz_at_random(name: str, seconds: int) -> int:
    tally = read_at_random(TARGETS[name], random.Random(), seconds=seconds)
    print(f"{name}: {tally.inputs} inputs, {len(tally.failures)} failures", flush=True)
    for failure in tally.failures:
        print(f"--- {failure}", flush=True)
    return 1 if tally.failures else 0


def _fuzz_guided(name: str, seconds: int) -> int:
    try:
        import atheris
    except ImportError:
        return _fuzz_at_random(name, seconds)
    folder = _CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    atheris.instrument_all()
    options = [
        f"-max_total_time={seconds}",
        "-max_len=4000",
        "-timeout=60",
        f"{folder}/",
        "-verbosity=0",
    ]
    atheris.Setup([name, *options], build_reader(TARGETS[name], Tally()).hypothesis.fuzz_one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    main()
