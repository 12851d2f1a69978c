"""A comparison as text, JSON and a page; and the command that writes them."""

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
from rigspec.compare.render.json import json_schema, render_json
from rigspec.compare.render.text import render_text
from tests.compare.comparisons import LAB, SOURCED, changed, comparison

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
HERE = Path(__file__).parent


def test_the_text_of_sourced(sourced: Comparison, golden: Callable[[Path, str], None]) -> None:
    text = render_text(sourced)
    # What other parts of the program write into the installer is not what is tested here.
    text = re.sub(r"sha256 [0-9a-f]{12}", "sha256 ", text)
    text = re.sub(r"[0-9a-f]{12}\N{HORIZONTAL ELLIPSIS}", "\N{HORIZONTAL ELLIPSIS}", text)
    golden(HERE / "sourced.txt", text)


def test_the_answers_stand_first_and_no_line_is_longer_than_the_house_has(
    sourced: Comparison, lab: Comparison
) -> None:
    for text in (render_text(sourced), render_text(lab)):
        lines = text.splitlines()
        # An address is never broken.
        assert max(len(line) for line in lines if not line.lstrip().startswith("<")) <= 100
        assert not any(line != line.rstrip() for line in lines)
        first = "\n".join(lines[:12])
        assert all(word in first for word in ("software", "money", "runs", "pays for itself"))


@pytest.mark.parametrize("name", ["sourced", "lab"])
def test_json_is_of_its_schema(name: str, request: pytest.FixtureRequest) -> None:
    schema = json.loads(json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    content = json.loads(render_json(request.getfixturevalue(name)))
    jsonschema.Draft202012Validator(schema).validate(content)


def test_what_was_compared_in_part_is_not_called_the_same(lab: Comparison) -> None:
    alike = dataclasses.replace(lab.software, differences=())
    text = " ".join(render_text(dataclasses.replace(lab, software=alike)).split())
    assert "software the same as far as it was compared: 9 versions" in text


def test_json_has_the_figures_and_the_reasons(sourced: Comparison) -> None:
    content = json.loads(render_json(sourced))
    assert content["money"]["payback"]["months"] == "9.26"
    assert content["money"]["payback"]["within_a_year_up_to"]["amount"] == "6480"
    assert content["money"]["b"]["read"] == "2023-11-16"
    torch = next(p for p in content["runs"]["products"] if p["product"] == "torch")
    assert torch["only_a"][0]["reason"]["source"]["read"] == "2026-11-21"


def test_every_form_is_the_same_bytes_each_time(rigspec: Rigspec, sourced: Comparison) -> None:
    for render in (render_json, render_html, render_text):
        assert render(sourced) == render(sourced)
    done = rigspec(
        *("compare", "specs/sourced.toml", "science-3", "p2", "--format", "html"),
        env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin", "COLUMNS": "40"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == render_html(sourced)


def test_a_machine_that_is_not_there_is_an_error_with_those_that_are(rigspec: Rigspec) -> None:
    near = rigspec("compare", SOURCED, "science-4", "p2")
    assert near.returncode == 2
    assert "error: no machine `science-4` in " in near.stderr
    far = rigspec("compare", SOURCED, "p2", "xyz")
    assert far.returncode == 2
    assert "it has science-3, p2" in far.stderr
    same = rigspec("compare", SOURCED, "p2", "p2")
    assert same.returncode == 2
    assert "name two machines" in same.stderr
    assert not near.stdout + far.stdout + same.stdout


@pytest.mark.parametrize(
    "wrong", [["--hours", "25"], ["--kwh-price", "0.3"], ["--rate", "EUR=USD"], ["--format", "x"]]
)
def test_a_wrong_option_is_status_2(rigspec: Rigspec, wrong: list[str]) -> None:
    done = rigspec("compare", SOURCED, "science-3", "p2", *wrong)
    assert done.returncode == 2
    assert wrong[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_exit_status_and_file(rigspec: Rigspec, tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    command = ["compare", LAB, "tower", "cloud", "--format", "html", "-o", page]
    done = rigspec(*command, "--exit-code")
    assert done.returncode == 1  # without a lock nobody can say that they are the same
    assert "there is no lock" in done.stderr
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


def test_a_lock_that_was_changed_is_an_error_and_a_stale_one_is_not_used(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    stale = tmp_path / "stale.toml"
    text = SOURCED.read_text(encoding="utf-8").replace('python = "3.5"', 'python = "2.7"')
    stale.write_text(text, encoding="utf-8")
    lock = SOURCED.parent.parent / "lockfiles" / "sourced"
    done = rigspec("compare", stale, "science-3", "p2", "--lock", lock)
    assert done.returncode == 0
    assert "the lock is stale" in done.stderr
    assert "only the versions were compared" in " ".join(done.stdout.split())
    broken = tmp_path / "lock"
    broken.mkdir()
    (broken / "rig.lock").write_bytes((lock / "rig.lock").read_bytes() + b"\n")
    done = rigspec("compare", SOURCED, "science-3", "p2", "--lock", broken)
    assert done.returncode == 1
    assert "RS503" in done.stderr


def test_a_machine_that_cannot_exist_is_compared_in_all_else(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    spec = tmp_path / "kepler.toml"
    text = LAB.read_text(encoding="utf-8").replace('toolkit = "10.0"', 'toolkit = "12.2"')
    text = text.replace('"1.14"', '"*"').replace('"3.6"', '"3.11"').replace('cudnn = "7"\n', "")
    spec.write_text(text, encoding="utf-8")
    done = rigspec("compare", spec, "tower", "old")
    assert done.returncode == 1
    assert "error[" in done.stderr
    assert "old cannot exist as the rig says" in done.stdout
    assert "GTX 1080 Ti" in done.stdout


def test_the_readmes_example_is_what_is_said(sourced: Comparison) -> None:
    readme = (HERE.parent.parent / "README.md").read_text(encoding="utf-8")
    block = readme.partition("$ rigspec compare specs/sourced.toml science-3 p2\n")[2]
    shown = block.partition("```")[0].splitlines()
    said = render_text(sourced).splitlines()
    assert len(shown) > 8
    assert [line for line in shown if line not in said and line != "\N{HORIZONTAL ELLIPSIS}"] == []


@pytest.mark.parametrize(
    ("price", "kwh", "hours"),
    [
        ("0 USD", "0.20 USD/kWh", "24"),
        ("0 USD", "0 USD/kWh", "0"),
        ("999999999999 USD", "999999 USD/kWh", "24"),
        ("999999999999.999999 USD", "0 USD/kWh", "1e-20"),
    ],
)
def test_amounts_of_nothing_and_the_largest_are_told_in_every_form(
    price: str, kwh: str, hours: str
) -> None:
    spec = changed(
        SOURCED,
        ("5000 USD", price),
        ("0.20 USD/kWh", kwh),
        ("hours = 24 ", f"hours = {hours} "),
    )
    found = comparison(spec, "science-3", "p2")
    for render in (render_json, render_html, render_text):
        assert "science-3" in render(found)
