"""Inputs to every parser, and checks and repairs of drawn rigs."""

from __future__ import annotations

import random
import time

from rigspec.diagnostics.model import Severity
from tests.drawn.rigs import draw_rig
from tests.figures.measurement import Result
from tests.fuzz.run import SLOW_SECONDS, read_at_random
from tests.fuzz.targets import TARGETS
from tests.resolve.rigs import check_text
from tests.resolve.test_repairs import apply_edits, list_complete_repairs

__all__ = ["check_rigs", "read_inputs", "repair_rigs"]

# Of a thousand inputs; a check of a rig takes as long as forty reads of bytes.
_SHARES = {
    "bytes": 480,
    "apt": 170,
    "file": 150,
    "lock": 120,
    "toml": 30,
    "schema": 30,
    "rig": 10,
    "question": 10,
}


def read_inputs(count: int, chance: random.Random) -> Result:
    assert _SHARES.keys() == TARGETS.keys()
    done, findings = 0, []
    for name, share in _SHARES.items():
        tally = read_at_random(TARGETS[name], chance, inputs=max(1, count * share // 1000))
        done += tally.inputs
        findings += [f"{name}: {failure}" for failure in tally.failures]
    return Result(done, tuple(findings))


def check_rigs(count: int, chance: random.Random) -> Result:
    """Check drawn rigs: an answer without an error of the program, within the time."""
    check_text(draw_rig(0))  # loads the matrix
    findings = []
    for _ in range(count):
        seed = chance.getrandbits(48)
        start = time.process_time()
        try:
            report = check_text(draw_rig(seed))
        except Exception as error:
            findings.append(f"draw_rig({seed}): {type(error).__name__}: {error}")
            continue
        errors = [d for d in report.diagnostics if d.severity is Severity.ERROR]
        if (report.status == "ok") != (not errors and report.resolution is not None):
            findings.append(f"draw_rig({seed}): status {report.status}, {len(errors)} errors")
        if any(not each.message or not each.code for each in report.diagnostics):
            findings.append(f"draw_rig({seed}): a diagnostic without a message")
        taken = time.process_time() - start
        if taken > SLOW_SECONDS:
            findings.append(f"draw_rig({seed}): {taken:.1f} s")
    return Result(count, tuple(findings))


def repair_rigs(count: int, chance: random.Random) -> Result:
    """Apply repairs that promise a resolution: the changed rig has this resolution."""
    done, findings = 0, []
    while done < count:
        seed = chance.getrandbits(48)
        text = draw_rig(seed)
        promised = list_complete_repairs(check_text(text))
        for repair in promised[: count - done]:
            done += 1
            changed = check_text(apply_edits(text, repair.edits))
            if changed.status != "ok" or changed.resolution != repair.resolution:
                findings.append(f"draw_rig({seed}): {repair.edits}: {changed.status}")
    return Result(done, tuple(findings))
