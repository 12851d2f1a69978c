"""What is taken for a secret, and what is not."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigspec.secrets.rules import find_secrets
from rigspec.spec.loader import InvalidSpec, parse_spec
from tests.conftest import ROOT
from tests.secrets.planted import HARMLESS, PLANTED

_SPECS = sorted((ROOT / "specs").glob("*.toml"))
_RIG = 'rig = 1\nname = "box"\n'


@pytest.mark.parametrize("name", PLANTED)
def test_scan_finds_secret_anywhere_in_text(name: str) -> None:
    assert list(find_secrets(PLANTED[name]))
    assert list(find_secrets(f"first {PLANTED[name]} and more"))


@pytest.mark.parametrize("text", HARMLESS)
def test_scan_ignores_lookalikes(text: str) -> None:
    assert not list(find_secrets(text))


@given(
    st.one_of(
        st.binary(min_size=32, max_size=32).map(bytes.hex),
        st.binary(min_size=32, max_size=32).map(lambda data: f"sha256:{data.hex()}"),
        st.binary(min_size=20, max_size=20).map(bytes.hex),
        st.uuids().map(uuid.UUID.__str__),
        st.from_regex(r"\A[0-9]{1,4}(\.[0-9]{1,5}){1,3}((a|b|rc)[0-9])?\Z"),
    )
)
def test_scan_ignores_checksums_versions_and_uuids(text: str) -> None:
    assert not list(find_secrets(text))


@pytest.mark.parametrize("spec", _SPECS, ids=lambda path: path.stem)
def test_scan_ignores_shipped_rigs(spec: object) -> None:
    path = str(spec)
    with open(path, encoding="utf-8") as file:
        parse_spec(path, file.read())


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("DB_PASSWORD", "hunter2", True),
        ("wandb_api_key", "0123456789abcdef0123456789abcdef01234567", True),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI", True),
        ("GIT_TOKEN", "x", True),
        ("DB_PASSWORD", "", False),
        ("DB_PASSWORD", "$PASSWORD", False),
        ("TOKEN", "/run/secrets/token", False),
        ("USE_TOKEN", "true", False),
        ("TOKENIZER", "bert", False),
        ("PASSWORD_FILE", "secret.txt", False),
        ("KEY", "F12", False),
        ("MONKEY", "gibbon", False),
    ],
)
def test_scan_finds_secret_by_name(name: str, value: str, secret: bool) -> None:
    text = f'{_RIG}[system.env]\n{name} = "{value}"\n'
    if not secret:
        parse_spec("rig.toml", text)
        return
    with pytest.raises(InvalidSpec) as refused:
        parse_spec("rig.toml", text)
    (found,) = refused.value.diagnostics
    assert (found.code, found.spans[0].line, found.spans[0].column) == ("RS406", 4, len(name) + 4)


def test_scan_ignores_name_of_secret() -> None:
    jupyter = '[env.e]\npython = "3.11"\n[service.jupyter]\nenv = "e"\n'
    parse_spec("rig.toml", f'{_RIG}{jupyter}password = {{ secret = "PASSWORD" }}\n')
