"""Pages of the diagnostic codes: all of one shape, and each example raises its code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rigspec.cli.app import app
from rigspec.diagnostics.explanations import list_codes, load_page

# Lower case, except for the proper names that begin a title.
TITLE = re.compile(r"# RS\d{3}: ([a-z]|C |CUDA |GPU |NVBLAS |Python )[^.]+")
EXAMPLE = re.compile(r"```(toml|console)\n(.+?)```\n", re.DOTALL)
# The registries, indexes, refreshed tables and compile targets raise these codes; `rigspec check`
# uses none of them with the tables of the repository.
AFTER_CHECK = {
    "RS229",
    "RS506",
    "RS508",
    "RS509",
    "RS512",
    "RS513",
    "RS514",
    "RS520",
    "RS530",
    "RS532",
    "RS534",
    "RS605",
}
HEAD = 'rig = 1\nname = "box"\n'
MACHINE = '[machine.box]\nos = "ubuntu 18.04"\n'
GPUS = 'gpus = [{ model = "GTX 1080 Ti", count = 2 }]\n'
LAB = '[env.lab]\npython = "3.6"\n'


def split_page(code: str) -> tuple[str, str, str, str]:
    """Return the title, the meaning, the example and the fix of a page."""
    text, rest = load_page(code).split("\n\n## Example\n\n")
    title, meaning = text.split("\n\n", 1)
    example, fix = rest.split("\n\n## How to fix\n\n")
    return title, meaning, example + "\n", fix


def complete_spec(example: str) -> str:
    """Return an example as a complete rig: a name, a machine and an environment are added."""
    text = HEAD
    if "[machine" not in example:
        text += MACHINE
        text += GPUS if re.search(r"\[cuda\]|frameworks|gpus", example) else ""
    if 'env = "lab"' in example and "[env.lab" not in example:
        text += LAB
    return text + example


@pytest.mark.parametrize("code", list_codes())
def test_page_has_title_meaning_example_and_fix(code: str) -> None:
    title, meaning, example, fix = split_page(code)

    assert TITLE.fullmatch(title)
    assert title.startswith(f"# {code}: ")
    assert meaning.endswith(".")
    assert EXAMPLE.fullmatch(example)
    assert fix.endswith(".\n")


@pytest.mark.parametrize("code", list_codes())
def test_page_example_of_spec_raises_its_code(code: str, tmp_path: Path) -> None:
    _, _, example, _ = split_page(code)
    match = EXAMPLE.fullmatch(example)
    assert match
    language, text = match.groups()
    if language == "console":
        assert text.startswith("$ ")
        return
    spec = tmp_path / "rig.toml"
    spec.write_text(complete_spec(text), encoding="utf-8")

    done = CliRunner().invoke(app, ["check", "--no-cache", "--format", "json", str(spec)])

    (result,) = json.loads(done.stdout)["results"]
    found = {diagnostic["code"] for diagnostic in result["diagnostics"]}
    if code in AFTER_CHECK:
        assert result["status"] == "ok"
    else:
        assert code in found
