"""The table of words of other programs is about keys that the language does not have."""

from __future__ import annotations

import re

import pytest
import tomli

from rigspec.package_files import locate_package_file
from rigspec.spec.json_schema import list_known_keys
from rigspec.spec.loader import InvalidSpec, parse_spec
from rigspec.spec.validation import advice


def test_key_advice_is_about_unknown_keys_of_known_tables() -> None:
    file = locate_package_file(advice.__file__, "key_advice.toml")
    for row in tomli.loads(file.read_text(encoding="utf-8"))["row"]:
        path = tuple(row["table"].split(".")) if row["table"] else ()
        known = list_known_keys(path)
        if path[2:] in (("packages",), ("frameworks",)):
            assert row["keys"] == ["*"]
            assert path[2] in list_known_keys(path[:2])
            continue
        assert known, row
        has_value = "found" in row or "values" in row
        assert all((key in known) is has_value for key in row["keys"]), row


def _list_help(text: str) -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        parse_spec("rig.toml", f'rig = 1\nname = "box"\n{text}\n')
    return [line for each in caught.value.diagnostics for line in each.help]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ('[env.a]\npackages = { "peft[all]" = "*" }', 'write `peft = "[all]"`'),
        ('[env.a]\npackages = { "a[b, c]" = ">=1" }', 'write `a = "[b, c]>=1"`'),
        (
            '[env.a]\npackages = { vllm = "latest" }',
            'write `"*"` for any version: the newest that fits is taken',
        ),
        (
            '[machine.m]\nos = "ubuntu 24.04"\ndriver = "open"',
            'write `driver = { version = "*", modules = "open" }`',
        ),
        (
            '[service.program.a]\ncommand = "vllm serve"',
            'write each word as a string: `command = ["vllm", "serve", "MODEL"]`',
        ),
    ],
)
def test_value_of_another_program_is_answered_with_what_to_write(text: str, advice: str) -> None:
    assert advice in _list_help(text)


def _list_suggestions() -> list[tuple[str, str]]:
    """Return each assignment that the table suggests, and the table that it belongs to."""
    file = locate_package_file(advice.__file__, "key_advice.toml")
    found = []
    for row in tomli.loads(file.read_text(encoding="utf-8"))["row"]:
        text = row["advice"].replace("{key}", row["keys"][0])
        table = row["table"]
        if "`[machine.NAME]`" in text or "table of the machine" in text:
            table = "machine.NAME"
        elif "`[env.NAME]`" in text:
            table = "env.NAME"
        found += [(table, code) for code in re.findall(r"`(\w[\w.-]* = [^`]*)`", text)]
    return found


@pytest.mark.parametrize(("table", "assignment"), _list_suggestions())
def test_suggested_assignment_is_accepted_at_its_place(table: str, assignment: str) -> None:
    more = 'env = "lab"\n[env.lab]\n' if table.startswith("service.program") else ""
    header = f"[{table.replace('NAME', 'box')}]"
    parse_spec("rig.toml", f'rig = 1\nname = "box"\n{header}\n{assignment}\n{more}')
