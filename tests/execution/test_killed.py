"""The installer is killed, with all that it has started, and run again: as if nothing had been."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.execution.all_step_kinds import Supplies, every_base, every_plan, write_installer
from tests.execution.conftest import KEPT
from tests.execution.layers import Layer
from tests.lock.signed_archive import Keys

pytestmark = pytest.mark.long(seconds=15)

INSTALLER = "/root/rig/install.sh"

# bash reads this before the installer and calls it before each command: the installer itself has
# nothing in it that a test could hold on to.
TRACE = """
unset BASH_ENV
set -T
at_command() {
  local name step=
  for name in "${FUNCNAME[@]}"; do
    case $name in *_apply) step=${arg[id]} ;; esac
  done
  [ -n "$step" ] || return 0
  if [ -z "${KILL_STEP:-}" ]; then
    printf '%s %s\\n' "$step" "$EPOCHREALTIME" >>/tmp/trace
  elif [ "$step" = "$KILL_STEP" ]; then
    printf '.' >>/tmp/counted
    # The parts of a pipeline count at the same time.
    if [ "$(stat -c %s /tmp/counted)" -ge "$KILL_AT" ] && mkdir /tmp/once 2>/dev/null; then
      : >/tmp/here
      [ -n "${KILL_AFTER:-}" ] || sleep 60
    fi
  fi
}
trap at_command DEBUG
"""

# Where to kill: the step, and either how far through its commands, or how far through its time.
STEPS = (
    *("archive", "repository", "system-packages", "driver", "cudnn", "installer", "runfile"),
    *("source", "env-lab", "download", "settings", "variables-lab", "group-crew", "user-ada"),
    *("members-lab", "access-lab", "service", "variables"),
    *("kernel-arguments", "reboot", "verify"),
)
POINTS = [(step, "commands", share) for step in STEPS for share in (0.0, 0.5, 1.0)]
POINTS += [("system-packages", "time", share) for share in (0.35, 0.5, 0.65, 0.8, 0.95)]
POINTS += [("driver", "time", share) for share in (0.7, 0.9)]
POINTS += [("env-lab", "time", share) for share in (0.2, 0.4, 0.6, 0.8)]
POINTS += [("user-ada", "time", share) for share in (0.3, 0.5, 0.7)]
# Those that run each time; all of them are `make e2e`.
FEW = [
    ("system-packages", "time", 0.8), ("cudnn", "commands", 0.5), ("env-lab", "time", 0.6),
    ("user-ada", "commands", 0.5), ("service", "commands", 0.5),
    ("kernel-arguments", "commands", 1.0),
]  # fmt: skip


@dataclass(frozen=True)
class Undisturbed:
    """An installation that nobody killed, with the system as it was before each step."""

    before: dict[str, Layer]
    outcome: dict[str, tuple[object, ...]]
    commands: Counter[str]
    seconds: dict[str, float]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    made = Keys.made(tmp_path_factory.mktemp("k"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def undisturbed(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return record_undisturbed(keys, tmp_path_factory.mktemp("undisturbed"))


def record_undisturbed(keys: Keys, folder: Path) -> Undisturbed:
    """Install once without a kill, with a copy of the system before each step."""
    supplies = Supplies(folder / "srv", keys)
    supplies.folder.mkdir()
    layer = Layer.over(every_base(KEPT), folder / "system")
    layer.add(write_installer(every_plan(supplies), folder / "rig"), "root/rig")
    layer.add(supplies.folder, "srv")
    (layer.path / "up/root/trace").write_text(TRACE, encoding="utf-8")
    before = {}
    for step in STEPS:
        before[step] = layer.copy(folder / step)
        code, output = layer.run(INSTALLER, "--step", step, settings=("BASH_ENV=/root/trace",))
        assert code == 0, output
    code, output = layer.run(INSTALLER)
    assert code == 0, output
    assert [line for line in output.splitlines() if "doing" in line] == [
        "[22/22] doing    Step verify"
    ]
    commands: Counter[str] = Counter()
    first: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for line in (layer.path / "root/tmp/trace").read_text("utf-8").splitlines():
        step, at = line.split()
        commands[step] += 1
        first.setdefault(step, float(at))
        seconds[step] = float(at) - first[step]
    return Undisturbed(before, layer.outcome(), commands, seconds)


def kill_installer(
    layer: Layer, undisturbed: Undisturbed, step: str, by: str, share: float
) -> None:
    count = undisturbed.commands[step]
    at = max(1, round(share * count)) if by == "commands" else 1
    settings = ["BASH_ENV=/root/trace", f"KILL_STEP={step}", f"KILL_AT={at}"]
    settings += ["KILL_AFTER=yes"] if by == "time" else []
    process = layer.started(INSTALLER, settings=tuple(settings))
    here = layer.path / "root/tmp/here"
    while not here.exists():
        assert process.poll() is None, f"it ended before: {process.communicate()[0]}"
        time.sleep(0.005)
    if by == "time":
        time.sleep(share * undisturbed.seconds[step])
    # The first process of a namespace takes all others with it.
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii")
    os.kill(int(children.split()[0]), signal.SIGKILL)
    process.communicate()
    here.unlink()


def check_recovery(
    undisturbed: Undisturbed, folder: Path, step: str, by: str, share: float
) -> None:
    layer = undisturbed.before[step].copy(folder / "system")
    kill_installer(layer, undisturbed, step, by, share)
    code, output = layer.run(INSTALLER)
    assert code == 0, output
    found = layer.outcome()
    differs = {
        path: (undisturbed.outcome.get(path), found.get(path))
        for path in {*found, *undisturbed.outcome}
        if undisturbed.outcome.get(path) != found.get(path)
    }
    shutil.rmtree(folder)
    assert not differs, output


@pytest.mark.parametrize(("step", "by", "share"), FEW)
def test_installer_killed_at_fixed_points_recovers(
    step: str, by: str, share: float, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    check_recovery(undisturbed, tmp_path, step, by, share)


@pytest.mark.e2e
@pytest.mark.parametrize(("step", "by", "share"), [point for point in POINTS if point not in FEW])
def test_installer_killed_anywhere_recovers(
    step: str, by: str, share: float, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    check_recovery(undisturbed, tmp_path, step, by, share)
