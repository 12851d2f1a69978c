"""Render a comparison as text, JSON and HTML; the compare command."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from rigspec.compare.model import Comparison
from rigspec.compare.render.html import render_html
from rigspec.compare.render.json import load_json_schema, render_json
from rigspec.compare.render.text import render_text
from tests.compare.comparisons import LAB, SOURCED, compare, load_changed

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
HERE = Path(__file__).parent


def test_text_of_sourced_matches_golden(
    sourced: Comparison, golden: Callable[[Path, str], None]
) -> None:
    text = render_text(sourced)
    # Checksums of the installer are not tested here.
    text = re.sub(r"sha256 [0-9a-f]{12}", "sha256 ", text)
    text = re.sub(r"[0-9a-f]{12}\N{HORIZONTAL ELLIPSIS}", "\N{HORIZONTAL ELLIPSIS}", text)
    golden(HERE / "sourced.txt", text)


def test_text_starts_with_results_and_fits_line_length(
    sourced: Comparison, lab: Comparison
) -> None:
    for text in (render_text(sourced), render_text(lab)):
        lines = text.splitlines()
        # URLs are not wrapped.
        assert max(len(line) for line in lines if not line.lstrip().startswith("<")) <= 100
        assert not any(line != line.rstrip() for line in lines)
        first = "\n".join(lines[:12])
        assert all(word in first for word in ("software", "cost", "runs", "pays off"))


@pytest.mark.parametrize("name", ["sourced", "lab"])
def test_json_matches_schema(name: str, request: pytest.FixtureRequest) -> None:
    schema = json.loads(load_json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    content = json.loads(render_json(request.getfixturevalue(name)))
    jsonschema.Draft202012Validator(schema).validate(content)


def test_text_of_partial_comparison_is_not_the_same(lab: Comparison) -> None:
    alike = dataclasses.replace(lab.software, differences=())
    text = " ".join(render_text(dataclasses.replace(lab, software=alike)).split())
    assert "software the same, but not everything was compared: 9 versions" in text


def test_json_has_values_and_reasons(sourced: Comparison) -> None:
    content = json.loads(render_json(sourced))
    assert content["money"]["payback"]["months"] == "9.26"
    assert content["money"]["payback"]["within_a_year_up_to"]["amount"] == "6480"
    assert content["money"]["b"]["read"] == "2023-11-16"
    tensorflow = next(p for p in content["runs"]["products"] if p["product"] == "tensorflow")
    assert tensorflow["only_a"][0]["reason"]["source"]["read"] == "2026-11-21"


def test_output_is_deterministic(rigspec: Rigspec, sourced: Comparison) -> None:
    for render in (render_json, render_html, render_text):
        assert render(sourced) == render(sourced)
    done = rigspec(
        *("compare", "specs/sourced.toml", "science-3", "p2", "--format", "html"),
        env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin", "COLUMNS": "40"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == render_html(sourced)


def test_command_with_unknown_machine_suggests_names(rigspec: Rigspec) -> None:
    near = rigspec("compare", SOURCED, "science-4", "p2")
    assert near.returncode == 2
    assert "error: no machine `science-4` in " in near.stderr
    far = rigspec("compare", SOURCED, "p2", "xyz")
    assert far.returncode == 2
    assert "name one of science-3, p2" in far.stderr
    same = rigspec("compare", SOURCED, "p2", "p2")
    assert same.returncode == 2
    assert "name two machines" in same.stderr
    assert not near.stdout + far.stdout + same.stdout


@pytest.mark.parametrize(
    "wrong", [["--hours", "25"], ["--kwh-price", "0.3"], ["--rate", "EUR=USD"], ["--format", "x"]]
)
def test_command_with_invalid_option_exits_2(rigspec: Rigspec, wrong: list[str]) -> None:
    done = rigspec("compare", SOURCED, "science-3", "p2", *wrong)
    assert done.returncode == 2
    assert wrong[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_command_writes_file_and_sets_exit_code(rigspec: Rigspec, tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    command = ["compare", LAB, "tower", "cloud", "--format", "html", "-o", page]
    done = rigspec(*command, "--exit-code")
    assert done.returncode == 1  # without a lock, equality is unknown
    assert "warning: no lock in " in done.stderr
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert page.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]
    folder = rigspec("compare", SOURCED, "science-3", "p2", "-o", tmp_path)
    assert folder.returncode == 2
    assert "RS604" in folder.stderr
    below = rigspec("compare", SOURCED, "science-3", "p2", "-o", page / "page.html")
    assert below.returncode == 2
    assert "cannot be written" in below.stderr
    assert "Traceback" not in below.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new"]


def test_command_rejects_modified_lock_and_ignores_stale_one(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    stale = tmp_path / "stale.toml"
    text = SOURCED.read_text(encoding="utf-8").replace('python = "3.5"', 'python = "2.7"')
    stale.write_text(text, encoding="utf-8")
    lock = SOURCED.parent.parent / "lockfiles" / "sourced"
    done = rigspec("compare", stale, "science-3", "p2", "--lock", lock)
    assert done.returncode == 0
    assert "the lock is stale" in done.stderr
    assert "not compared: packages, files, services and cloud-init files" in " ".join(
        done.stdout.split()
    )
    broken = tmp_path / "lock"
    broken.mkdir()
    (broken / "rig.lock").write_bytes((lock / "rig.lock").read_bytes() + b"\n")
    done = rigspec("compare", SOURCED, "science-3", "p2", "--lock", broken)
    assert done.returncode == 1
    assert "RS503" in done.stderr


def test_command_with_conflicting_machine_compares_the_rest(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    spec = tmp_path / "kepler.toml"
    text = LAB.read_text(encoding="utf-8").replace('toolkit = "10.0"', 'toolkit = "12.2"')
    text = text.replace('"1.14"', '"*"').replace('"3.6"', '"3.11"').replace('cudnn = "7"\n', "")
    spec.write_text(text, encoding="utf-8")
    done = rigspec("compare", spec, "tower", "old")
    assert done.returncode == 1
    assert "error[" in done.stderr
    assert "old has conflicts; run `rigspec check`" in " ".join(done.stdout.split())
    assert "GTX 1080 Ti" in done.stdout


@pytest.mark.parametrize(
    ("price", "kwh", "hours"),
    [
        ("0 USD", "0.20 USD/kWh", "24"),
        ("0 USD", "0 USD/kWh", "0"),
        ("999999999999 USD", "999999 USD/kWh", "24"),
        ("999999999999.999999 USD", "0 USD/kWh", "1e-20"),
    ],
)
def test_output_has_zero_and_maximum_amounts(price: str, kwh: str, hours: str) -> None:
    spec = load_changed(
        SOURCED,
        ("5000 USD", price),
        ("0.20 USD/kWh", kwh),
        ("hours = 24 ", f"hours = {hours} "),
    )
    found = compare(spec, "science-3", "p2")
    for render in (render_json, render_html, render_text):
        assert "science-3" in render(found)
