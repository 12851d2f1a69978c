"""Some sixty faults, one at a time, in a system that the shell installer built.

doctor must report exactly that fault, with the expected and the found value, and the printed
steps must fix it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doctor.fault import ANY, Fault
from tests.doctor.faults import FAULTS
from tests.doctor.fixture_rig import STAND_INS, installed_rig, run_inside

WELL = Fault("true", (), ())


@pytest.fixture
def outcomes(tmp_path: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """What the doctor said of each fault, of a machine of its own."""
    root = installed_rig(tmp_path)
    faults = {"well": WELL, **FAULTS}
    scripts = [{"plant": fault.plant, "repair": fault.repair} for fault in faults.values()]
    srv = root / "srv"
    (srv / "faults.json").write_text(json.dumps([STAND_INS, scripts]), encoding="utf-8")
    run_inside(root, "/opt/rigspec/bin/python", "-B", "/srv/trial.py")
    yield dict(zip(faults, json.loads((srv / "found.json").read_text("utf-8")), strict=True))
    shutil.rmtree(root, ignore_errors=True)


@pytest.mark.e2e(minutes=5)
def test_doctor_planted_fault_is_reported_alone_and_fixed(
    outcomes: dict[str, dict[str, Any]],
) -> None:
    assert len(FAULTS) >= 30
    well = outcomes.pop("well")["planted"]
    assert well["json"]["code"] == 0, well["json"]
    items = json.loads(well["json"]["output"])["items"]
    assert [item for item in items if item["status"] != "ok"] == []
    assert (well["fix"]["code"], well["fix"]["output"]) == (0, "")

    wrong = {name: list(complaints(FAULTS[name], found)) for name, found in outcomes.items()}
    assert {name: found for name, found in wrong.items() if found} == {}


def complaints(fault: Fault, found: dict[str, Any]) -> Iterator[str]:
    """What the doctor ought to have said, or not to have said."""
    if "broken" in found:
        yield f"was not planted: {found['broken']}"
        return
    planted = found["planted"]
    codes = [planted[way]["code"] for way in ("json", "text", "fix")]
    if codes != [1, 1, 1]:
        yield f"exit statuses {codes}: {planted['json']}"
        return
    output = json.loads(planted["json"]["output"])
    seen = [tuple(item[key] for key in KEYS) for item in output["items"] if item["status"] in BAD]
    expected = sorted(fault.expected, key=str_of)
    if len(seen) != len(expected) or not all(map(alike, expected, sorted(seen, key=str_of))):
        yield f"said {seen}"
    if (output["status"], output["counts"]["ok"] + len(seen)) != ("differs", fault_free(output)):
        yield f"counted {output['counts']}"
    for status, name, aspect, promised, there in seen:
        line = f"  {status:<8} {name} ({aspect}): "
        line += "not in the lock" if promised is None else f"expected {promised}"
        line += ", found nothing" if there is None else f", found {there}"
        if line not in planted["text"]["output"].splitlines():
            yield f"no line `{line}` in {planted['text']['said']}"
    steps = [
        line.split()[-1]
        for line in planted["fix"]["output"].splitlines()
        if line.startswith("install.sh --step ")
    ]
    if steps != list(fault.steps):
        yield f"--fix names the steps {steps}"
    if fault.repair is not None and (
        found["repair_error"] or found["repaired"]["json"]["code"] != 0
    ):
        yield f"is not fixed: {found['repair_error']} {found['repaired']['text']['said']}"


KEYS = ("status", "name", "aspect", "expected", "found")
BAD = ("differs", "missing", "extra")


def str_of(seen: tuple[str | None, ...]) -> tuple[str, ...]:
    return tuple(str(part) for part in seen)


def alike(expected: tuple[str | None, ...], seen: tuple[str | None, ...]) -> bool:
    return all(one in (ANY, other) for one, other in zip(expected, seen, strict=True))


def fault_free(output: dict[str, Any]) -> int:
    return len(output["items"]) - int(output["counts"]["unknown"])
