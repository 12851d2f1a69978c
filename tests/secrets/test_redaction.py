"""Source lines are shown without what could be a secret."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from rigspec.secrets.redaction import list_redacted_values, redact
from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
SECRET = "hunter2hunter2"

BROKEN = [
    "password = {}",
    'password = "{}',
    'password: "{}"',
    "password {}",
    "passwrd = {}",
    'api_key = "{}" extra',
    "DB_PASS = '{}",
    "'token' = {}",
    'password = """{}',
    "password == {}",
    'credentials = {{ secret = "{}"',
    'panes = ["sshpass -p {} ssh host"',
    'pypi = "https://me:{}@index.example.org/simple',
    'pypi = "https://index.example.org/simple?key={}',
    "# the password is {}",
    'x = {{ password = "{}" }}',
]


@pytest.mark.parametrize("line", BROKEN)
def test_redact_line_with_secret_hides_it_and_keeps_columns(line: str) -> None:
    text = f"rig = 1\n{line.format(SECRET)}\nname = 'box'\n"
    shown = redact(text)
    assert SECRET not in shown
    assert [len(a) for a in shown.split("\n")] == [len(a) for a in text.split("\n")]
    assert shown.split("\n")[2] == "name = 'box'"


@pytest.mark.parametrize(
    "line",
    [
        "os = ubuntu 22.04",
        'driver = ">=384.81"',
        'gpus = [{ model = "RTX 4090", count = 2 }]',
        'frameworks = { torch = "2.4.1+cu121", tensorflow = "==1.8", keras = "*" }',
        'password = { secret = "JUPYTER_PASSWORD" }',
        'ssh_keys = ["ssh-ed25519 AAAA alice@desk"]',
        'url = "https://example.org/archive.tgz"',
        'frameworks.torch = "a release of last year"',
        'env.lab.frameworks.torch = "a release of last year"',
        'env.lab = { packages.numpy = "oldest" }',
        'machine.tower.os = "ubuntu lts"',
        'ignore = ["RS302"]',
        "as_of = 2018-07-01",
        "[machine.tower]  # the one in the corner",
        "# the driver is old",
        'kernel_args = ["pcie_aspm=off"]',
    ],
)
def test_redact_line_without_secret_shows_it(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize(
    "line", ['env.name = "{}"', 'env = {{ name = "{}" }}', 'env.NAME.prepend = ["{}"]']
)
def test_redact_variable_of_the_system_hides_its_value(line: str) -> None:
    assert SECRET not in redact("[system]\n" + line.format(SECRET))


@pytest.mark.parametrize("number", ["87654321", "1234567890", "-5550123456"])
def test_redact_number_under_secret_name_hides_it(number: str) -> None:
    assert number not in redact(f"password = {number}")
    assert number not in redact(f"passwrd = {number}")


def test_redact_array_over_lines_hides_the_later_lines() -> None:
    shown = redact(f'panes = [\n  "login {SECRET}",\n  "htop",\n]\nname = "box"')
    assert SECRET not in shown
    assert shown.endswith('name = "box"')


@settings(deadline=None)  # the first call compiles expressions
@given(st.text(), st.text())
def test_redact_any_text_keeps_its_shape(before: str, after: str) -> None:
    text = f"{before}\npassword = {SECRET}\n{after}"
    shown = redact(text)
    assert SECRET not in shown.split("\n")[before.count("\n") + 1]
    assert [len(a) for a in shown.split("\n")] == [len(a) for a in text.split("\n")]


def test_redacted_values_of_secret_line_are_its_words() -> None:
    assert SECRET in list_redacted_values(f'password = "{SECRET}"')


def test_visible_keys_cover_the_schema(rigspec: Rigspec) -> None:
    table = tomli.loads((ROOT / "rigspec/secrets/visible_keys.toml").read_text("utf-8"))
    visible, opaque = set(table["visible"]), set(table["opaque"])
    keys: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            properties = value.get("properties")
            keys.update(properties if isinstance(properties, dict) else ())
            # The names of frameworks are options, not keys of the language.
            for key, item in value.items():
                if key != "frameworks":
                    collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)

    collect(json.loads(rigspec("schema", cwd=Path.cwd()).stdout))
    assert keys <= visible | opaque
    assert not visible & opaque
