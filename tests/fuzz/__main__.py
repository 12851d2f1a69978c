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
import time
import traceback
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, Target

_SECONDS = 2.0
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


def _function(target: Target, counts: dict[str, int]) -> Any:
    @settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def read(data: Any) -> None:
        text = data.draw(target.inputs)
        start = time.process_time()
        try:
            target.run(text)
        except Exception:
            print(f"--- input\n{text!r}", flush=True)
            raise
        counts["inputs"] = counts.get("inputs", 0) + 1
        taken = time.process_time() - start
        if taken > _SECONDS:
            print(f"--- input of {taken:.1f} s\n{text!r}", flush=True)
            raise AssertionError("slow")

    return read


def _fuzz_at_random(name: str, seconds: int) -> int:
    counts: dict[str, int] = {}
    read = _function(TARGETS[name], counts).hypothesis.fuzz_one_input
    chance, end, failures = random.Random(), time.monotonic() + seconds, 0
    while time.monotonic() < end and failures < 5:
        try:
            read(chance.randbytes(4000))
        except Exception:
            traceback.print_exc(limit=-4, file=sys.stdout)
            failures += 1
    print(f"{name}: {counts.get('inputs', 0)} inputs, {failures} failures", flush=True)
    return 1 if failures else 0


def _fuzz_guided(name: str, seconds: int) -> int:
    try:
        import atheris
    except ImportError:
        return _fuzz_at_random(name, seconds)
    counts: dict[str, int] = {}
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
    atheris.Setup([name, *options], _function(TARGETS[name], counts).hypothesis.fuzz_one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    main()
