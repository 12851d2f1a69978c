"""Python scripts that state their requirements (PEP 723)."""

from __future__ import annotations

from rigspec.importing.model import Subject
from tests.importing.readings import packages, read, reasons, source_at, values

SCRIPT = """\
#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "torch==2.9.*",
#   "trl[peft]",  # training
#
#   "trainer",
# ]
# [tool.uv.sources]
# torch = { index = "pytorch" }
# trainer = { path = "../trainer" }
# [[tool.uv.index]]
# name = "pytorch"
# url = "https://download.pytorch.org/whl/cu128"
# ///
import torch  # noqa: E402
"""


def test_script_gives_its_requirements_with_their_builds() -> None:
    reading = read("train.py", SCRIPT)
    assert packages(reading) == {"torch": "+cu128 ==2.9.*", "trl": "*"}
    assert values(reading, Subject.PYTHON) == [">=3.11"]
    assert reasons(reading) == {"trainer": "a folder or file of the project"}
    assert source_at(SCRIPT, reading) == ['">=3.11"', '"torch==2.9.*"', '"trl[peft]"']


def test_script_without_end_of_its_block_gives_nothing() -> None:
    reading = read("train.py", SCRIPT.replace("# ///\n", "#\n"))
    assert (reading.statements, reading.omissions) == ((), ())
