"""`as_of`: frameworks as they were on a day, and what is said of those that came later."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.diagnostics.model import Report
from rigspec.matrix.uploads import load_uploads
from rigspec.resolve.problem import release_cutoff
from tests.resolve.rigs import check, errors

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


def rig(day: str | None, frameworks: str, python: str = "3.6", name: str = "lab") -> str:
    line = f"as_of = {day}\n" if day is not None else ""
    return (
        f'[env.{name}]\npython = "{python}"\ninterpreter = "pyenv"\n{line}'
        f"frameworks = {{ {frameworks} }}\n"
    )


def chosen(report: Report, env: int = 0) -> dict[str, str]:
    assert report.resolution is not None, report.diagnostics
    return {pin.name: pin.version for pin in report.resolution.envs[env].frameworks}


@pytest.mark.parametrize(
    ("day", "keras"),
    [
        ("2018-06-30", "2.2.0"),
        ("2018-07-26", "2.2.0"),
        ("2018-07-27", "2.2.1"),  # the very day of its upload
        ("2017-03-14", "2.0.0"),
        ("2017-03-13", "1.2.2"),
    ],
)
def test_as_of_chooses_newest_of_that_day(day: str, keras: str, tmp_path: Path) -> None:
    assert chosen(check(tmp_path, rig(day, 'keras = "*"'))) == {"keras": keras}


def test_as_of_absent_reads_no_upload_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        release_cutoff, "load_uploads", lambda product: pytest.fail(f"read {product}")
    )
    assert chosen(check(tmp_path, rig(None, 'tensorflow = "1.8", keras = "*"')))["keras"] == "2.2.5"


def test_as_of_keeps_release_with_unknown_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [upload for upload in load_uploads("keras") if upload.version != "2.2.5"]
    monkeypatch.setattr(release_cutoff, "load_uploads", lambda product: known)
    spec = rig("2018-07-01", 'keras = "2"')
    assert chosen(check(tmp_path, spec)) == {"keras": "2.2.5"}


def test_as_of_applies_per_environment(tmp_path: Path) -> None:
    spec = rig("2018-07-01", 'keras = "2.2"', name="a") + rig(None, 'keras = "2.2"', name="b")
    report = check(tmp_path, spec)
    assert (chosen(report, 0)["keras"], chosen(report, 1)["keras"]) == ("2.2.0", "2.2.5")


def test_as_of_does_not_apply_to_pip(tmp_path: Path) -> None:
    report = check(tmp_path, rig("2018-07-01", 'tensorflow = "1.8"'))
    assert report.resolution is not None
    assert report.resolution.envs[0].pip == "21.3.1"  # of October 2021


def test_as_of_before_requested_release_is_error_with_repair(tmp_path: Path) -> None:
    report = check(tmp_path, rig("2018-07-01", 'tensorflow = "==1.12.0", keras = "*"'))
    (error,) = (d for d in report.diagnostics if d.code == "RS234")
    assert errors(report) == ["RS234"]
    assert error.message == "TensorFlow 1.12.0 and as_of 2018-07-01 are incompatible"
    assert error.components == ("tensorflow", "as_of")
    assert [span.label for span in error.spans] == [
        "requests tensorflow ==1.12.0",
        "nothing after 2018-07-01",
    ]
    fact = error.facts[0]
    assert fact.statement == "tensorflow 1.12.0 was uploaded on 2018-11-06"
    assert [(source.url, source.read) for source in fact.sources] == [
        ("pkg:pypi/tensorflow", dt.date(2026, 11, 21))
    ]
    assert error.runtime_error == ("No matching distribution found",)
    # The way out was solved, and is never to give the day up.
    edits = [edit for repair in error.repairs for edit in repair.edits]
    assert [(edit.key, edit.after) for edit in edits] == [
        ("env.lab.frameworks.tensorflow", "1.8.0")
    ]
    pins = error.repairs[0].resolution.envs[0].frameworks
    assert {pin.name: pin.version for pin in pins} == {"keras": "2.2.0", "tensorflow": "1.8.0"}


def test_as_of_before_requested_package_is_error(tmp_path: Path) -> None:
    spec = rig("2018-07-01", "") + 'packages = { tensorflow = "==1.12.0" }\n'
    report = check(tmp_path, spec)
    (error,) = (d for d in report.diagnostics if d.code == "RS234")
    assert error.message == (
        "tensorflow 1.12.0 was uploaded on 2018-11-06; the spec requests as_of 2018-07-01"
    )


def test_as_of_before_every_release_is_reported_once(tmp_path: Path) -> None:
    report = check(tmp_path, rig("2010-01-01", 'tensorflow = "*"'))
    (error,) = (d for d in report.diagnostics if d.code == "RS234")
    assert error.message == "as_of 2010-01-01 and TensorFlow are incompatible"
    (fact,) = error.facts
    assert fact.statement.startswith("tensorflow 0.12.0 was uploaded on 2016-12-19; … (")
    assert error.repairs == ()


def test_as_of_conflict_is_printed_by_check(rigspec: Rigspec, tmp_path: Path) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text('rig = 1\nname = "box"\n' + rig("2018-07-01", 'tensorflow = "1.12"'))
    done = rigspec("check", spec)
    assert done.returncode == 1
    output = " ".join((done.stdout + done.stderr).split())
    assert "error[RS234]: TensorFlow 1.12 and as_of 2018-07-01 are incompatible" in output
    assert "as_of = 2018-07-01 | ---------- nothing after 2018-07-01" in output
    assert "fact: tensorflow 1.12.0 was uploaded on 2018-11-06" in output
    assert 'repair: set env.lab.frameworks.tensorflow from "1.12" to "1.8"' in output
    assert rigspec("explain", "RS234").returncode == 0


def test_why_names_as_of(rigspec: Rigspec, tmp_path: Path) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text('rig = 1\nname = "box"\n' + rig("2018-07-01", 'keras = "*"'))
    (result,) = json.loads(rigspec("why", spec, "keras", "--format", "json").stdout)["results"]
    (note,) = result["diagnostics"]
    assert "keras 2.2.0" in note["message"].lower()
    assert [span["label"] for span in note["spans"]] == ["nothing after 2018-07-01"]
    assert note["facts"][0]["statement"] == "keras 2.2.1 was uploaded on 2018-07-27"
