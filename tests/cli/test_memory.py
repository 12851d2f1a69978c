"""A batch keeps no report that is printed: its memory does not grow with its number of specs."""

from __future__ import annotations

import json
import weakref
from pathlib import Path

import pytest

from rigspec.cli.arguments.check import CheckArguments, Format
from rigspec.cli.common import uncached_check
from rigspec.cli.common.check_specs import run_check
from rigspec.cli.common.uncached_check import SpecReports, check_spec
from rigspec.diagnostics.model import Report
from rigspec.diagnostics.render.json import render_json

RIG = """rig = 1
name = "box"
[machine.box]
os = "ubuntu 22.04"
gpus = ["RTX 4090"]
[env.lab]
frameworks = { torch = "2.4" }
"""


@pytest.mark.parametrize("format_", ["text", "json", "github", "gitlab"])
def test_batch_lets_go_of_each_report_that_is_printed(
    format_: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = tuple(tmp_path / f"{number}.toml" for number in range(4))
    for path in paths:
        path.write_text(RIG)
    seen: list[weakref.ref[Report]] = []
    alive: list[int] = []

    def check(path: Path, machine: str | None, text: str | None = None) -> SpecReports:
        alive.append(sum(reference() is not None for reference in seen))
        checked = check_spec(path, machine, text)
        seen.extend(map(weakref.ref, checked.reports))
        return checked

    monkeypatch.setattr(uncached_check, "check_spec", check)
    with pytest.raises(SystemExit):
        run_check(CheckArguments(paths, format=format_, cache=False, jobs=1))
    assert len(seen) == len(paths)
    assert max(alive) <= 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_of_reports_is_one_indented_document(count: int) -> None:
    report = Report("rig\n.toml", None, "ok", None, ())
    text = render_json([report] * count)
    assert len(json.loads(text)["results"]) == count
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False)
