"""Many specs in several processes: the same output in the same order."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

RIG = """rig = 1
name = "{name}"
[machine.box]
os = "ubuntu 22.04"
gpus = ["{gpu}"]
[env.lab]
frameworks = {{ torch = "2.4" }}
"""


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """Twelve specs: some resolve, some conflict, one is invalid."""
    for number in range(12):
        gpu = ("RTX 4090", "RTX 5090", "Tesla K80")[number % 3]
        text = RIG.format(name=f"r{number}", gpu=gpu) if number != 7 else "rig = 1\nname = 3\n"
        (tmp_path / f"{number:02}.toml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("format_", ["text", "json"])
def test_check_with_jobs_prints_the_same_in_the_same_order(
    format_: str, specs: Path, rigspec: Rigspec
) -> None:
    paths = sorted(specs.iterdir())
    command = ("check", "--no-cache", "--format", format_, *paths, "--jobs")
    alone = rigspec(*command, "1", process=True)
    together = rigspec(*command, "3", process=True)
    assert alone.returncode == together.returncode == 2
    assert (together.stdout, together.stderr) == (alone.stdout, alone.stderr)
    places = [alone.stdout.find(f"{number:02}.toml") for number in (0, 3, 6, 9)]
    assert -1 not in places
    assert places == sorted(places)


def test_check_with_zero_jobs_is_a_usage_error(rigspec: Rigspec) -> None:
    done = rigspec("check", "--jobs", "0", "specs/dl-server.toml")
    assert done.returncode == 2
    assert "--jobs" in done.stderr


@pytest.mark.parametrize("format_", ["text", "json"])
def test_check_of_a_machine_that_a_later_spec_lacks_prints_the_error_only(
    format_: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    first.write_text(RIG.format(name="a", gpu="RTX 4090"), encoding="utf-8")
    second.write_text('rig = 1\nname = "b"\n[machine.other]\nos = "debian 13"\n', encoding="utf-8")
    done = rigspec("check", first, second, "--machine", "box", "--format", format_)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no machine `box`" in done.stderr
