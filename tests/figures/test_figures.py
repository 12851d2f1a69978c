"""Each measurement makes attempts, and finds a planted fault."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.figures import canaries, files, readers, secrets
from tests.figures.__main__ import MEASUREMENTS, main
from tests.figures.measurement import Measurement, Result
from tests.figures.page import read_rows
from tests.fuzz.targets import TARGETS, Target
from tests.injection.artifacts import artifacts, read_rig
from tests.injection.readers import read_targets
from tests.injection.rigs import PLAIN


def _chance() -> random.Random:
    return random.Random(1)


def _fail(*arguments: Any, **options: Any) -> Any:
    raise KeyError("planted")


def test_inputs_with_failing_reader_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_SHARES", {"bytes": 1000})
    monkeypatch.setattr(readers, "TARGETS", {"bytes": TARGETS["bytes"]})
    assert readers.read_inputs(20, _chance()).findings == ()
    broken = Target(TARGETS["bytes"].inputs, _fail)
    monkeypatch.setattr(readers, "TARGETS", {"bytes": broken})
    assert "KeyError" in readers.read_inputs(20, _chance()).findings[0]


def test_checks_with_traceback_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert readers.check_rigs(2, _chance()) == Result(2)
    # The first check loads the matrix.
    calls = iter([lambda: None, _fail])
    monkeypatch.setattr(readers, "check_text", lambda text: next(calls)())
    assert "KeyError" in readers.check_rigs(1, _chance()).findings[0]


def test_repairs_with_another_resolution_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert readers.repair_rigs(1, _chance()) == Result(1)
    monkeypatch.setattr(readers, "apply_edits", lambda text, edits: text)
    assert len(readers.repair_rigs(1, _chance()).findings) == 1


def test_lock_bytes_that_are_not_verified_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.change_lock_bytes(3, _chance()) == Result(3)
    monkeypatch.setattr(files, "read_lock", lambda folder: None)
    assert len(files.change_lock_bytes(3, _chance()).findings) == 3


def test_kills_that_leave_another_tree_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    trees = iter([{"a": b"0"}, {"a": b"1"}, {"a": b"part"}, {"a": b"0"}])
    monkeypatch.setattr(files, "contents", lambda folder: next(trees))
    found = files.kill_commands(1, _chance(), ("lock",))
    assert found == Result(1, ("lock: kill 0 left a partial tree",))


def test_secrets_that_are_printed_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(secrets._find_printed("github", "summary")) == []
    monkeypatch.setattr(secrets, "_commands", lambda name: [("schema",), ("check", name)])
    monkeypatch.setitem(secrets.PLANTED, "github", "additionalProperties")
    found = list(secrets._find_printed("github", "comment"))
    assert found == ["`schema` prints it"]


def test_canary_that_fires_in_a_shell_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rig = {**PLAIN, "system": {"env": {"RIG_TEXT": "$(touch /mnt/fired)"}}}
    built = {"bashrc": artifacts(rig)["bashrc"]}
    read_targets(read_rig(rig), built, tmp_path / "quoted")
    (fragment,) = [file for file in built["bashrc"] if file.path == "rig.sh"]
    assert b"'$(touch /mnt/fired)'" in fragment.content
    bare = fragment.content.replace(b"'$(touch /mnt/fired)'", b'"$(touch /mnt/fired)"')
    built["bashrc"] = (type(fragment)(fragment.path, bare, fragment.mode),)
    with pytest.raises(AssertionError):
        read_targets(read_rig(rig), built, tmp_path / "bare")


def test_canaries_in_drawings_are_counted() -> None:
    planted, found = canaries._plant_in_documents(_chance())
    assert planted > 5
    assert found == []


def test_page_keeps_rows_of_other_measurements(tmp_path: Path) -> None:
    page = tmp_path / "figures.md"
    fine = {"a": Measurement("a title", 1000, lambda count, chance: Result(count))}
    broken = {"b": Measurement("b title", 10, lambda count, chance: Result(count, ("x",)))}
    assert main(["--scale", "0.1", "--page", str(page)], fine) == 0
    assert main(["b", "--page", str(page)], broken) == 1
    assert read_rows(page) == {
        "a title": (100, 1000, 0, "make figures FIGURES=a SCALE=0.1"),
        "b title": (10, 10, 1, "make figures FIGURES=b SCALE=1"),
    }
    committed = read_rows(Path(__file__).resolve().parents[2] / "docs/reference/figures.md")
    assert committed.keys() <= {each.title for each in MEASUREMENTS.values()}
