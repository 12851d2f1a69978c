"""The output of `rigspec doctor` in the guide is real."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tests.doctor.bench import Bench
from tests.doctor.test_doctor import KEYS, SITE
from tests.documents import blocks_of, matches

pytestmark = pytest.mark.long(seconds=30)

FAULTS = (
    f"sed -i 's/^Version: .*/Version: 1.15.0/' {SITE}/six-1.16.0.dist-info/METADATA",
    f"chmod 0644 {KEYS}",
)
REPAIRS = (
    f"sed -i 's/^Version: .*/Version: 1.16.0/' {SITE}/six-1.16.0.dist-info/METADATA",
    f"chmod 0600 {KEYS}",
)


def test_doctor_in_guide_prints_what_is_shown(bench: Bench) -> None:
    (block,) = (
        block
        for block in blocks_of(ROOT / "docs" / "guides" / "check-a-live-machine.md")
        if block.language == "console"
    )
    (command,) = block.commands()
    assert command.line == "rigspec doctor rig.toml"
    for fault in FAULTS:
        bench.root.run("sh", "-ec", fault)
    done = bench.doctor()
    for repair in REPAIRS:
        bench.root.run("sh", "-ec", repair)
    assert matches(command.output, done.stdout), done.stdout + done.stderr
