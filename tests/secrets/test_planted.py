"""A secret in a rig is refused at its position and not printed; secret files are not copied."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.diagnostics.model import Diagnostic, Report
from rigspec.diagnostics.render.github import render_github
from rigspec.diagnostics.render.json import render_json
from rigspec.diagnostics.render.sarif import render_sarif
from rigspec.diagnostics.render.text import render_text
from rigspec.spec.loader import InvalidSpec, parse_spec
from tests.conftest import ROOT
from tests.injection.fields import Field, text_fields
from tests.injection.rigs import RIGS
from tests.injection.written import alone, place, with_text, written
from tests.secrets.planted import PLANTED

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
FILE = "rig.toml"
_TOKEN = PLANTED["github"]
# All that lets a program say something to its user.
_FORMATS = ("text", "json", "sarif", "github", "gitlab")


@pytest.mark.parametrize("field", text_fields(), ids=str)
def test_planted_secret_is_refused_and_not_printed(field: Field) -> None:
    name, path = place(field)
    for secret in (_TOKEN, PLANTED["private key"], PLANTED["jwt"]):
        changed = with_text(alone(RIGS[name], path), path, secret, of_key=field.of_key)
        toml = written(changed)
        at = (*path[:-1], secret) if field.of_key else path
        with pytest.raises(InvalidSpec) as refused:
            parse_spec(FILE, toml.text)
        found = refused.value.diagnostics
        assert toml.lines[at] in {d.spans[0].line for d in found if d.code == "RS406"}
        assert secret not in _render(found, toml.text)


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_secret_in_unknown_key_or_comment_is_refused(kind: str) -> None:
    secret = PLANTED[kind]
    for text in (
        f'rig = 1\nname = "box"\nnotes = """{secret}"""\n',
        f'rig = 1\nname = "box" # {secret}\n',
        f'rig = 1\nname = "box"\nname = "again"\nsummary = """{secret}"""\n',
    ):
        with pytest.raises(InvalidSpec) as refused:
            parse_spec(FILE, text)
        assert "RS406" in {found.code for found in refused.value.diagnostics}
        assert secret not in _render(refused.value.diagnostics, text)


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize(
    "line",
    [
        "{key} = {secret}",
        '{key} = "{secret}',
        "{key}: {secret}",
        '{key} = "{secret}" again',
        "{key} {secret}",
        '{key} = ["a", {secret}]',
    ],
)
@pytest.mark.parametrize("key", ["password", "passwrd", "MY_API_KEY", "notes"])
def test_check_broken_line_does_not_print_its_secret(kind: str, line: str, key: str) -> None:
    secret = PLANTED[kind].replace('"', "").replace("'", "")
    text = f'rig = 1\nname = "box"\n{line.format(key=key, secret=secret)}\n[env.lab]\n'
    with pytest.raises(InvalidSpec) as refused:
        parse_spec(FILE, text)
    shown = _render(refused.value.diagnostics, text)
    assert secret not in shown
    assert all(word not in shown for word in secret.split() if len(word) > 12)


@pytest.mark.parametrize(
    ("table", "entry"),
    [
        ("system.env", 'DB_PASS = "hunter2hunter2"'),
        ("system.env", 'KAGGLE_KEY = "hunter2hunter2"'),
        ("system.env", 'GITHUB_PAT = "hunter2hunter2"'),
        ("service.tmux.dev", 'windows = [{ name = "a", panes = ["sshpass -p hunter2x ssh h"] }]'),
        ("service.tmux.dev", 'windows = [{ name = "a", panes = ["mysql -u r -phunter2x db"] }]'),
        ("mirrors", 'pypi = "https://index.example.org/simple?key=hunter2hunter2"'),
        ("machine.box", 'os = "ubuntu 22.04" # machine h login u password hunter2hunter2'),
    ],
)
def test_check_secret_that_valid_toml_holds_is_refused(table: str, entry: str) -> None:
    text = f'rig = 1\nname = "box"\n[{table}]\n{entry}\n'
    with pytest.raises(InvalidSpec) as refused:
        parse_spec(FILE, text)
    assert "RS406" in {found.code for found in refused.value.diagnostics}
    assert "hunter2" not in _render(refused.value.diagnostics, text)


@pytest.mark.parametrize("command", [("check",), ("lock",), ("compile", "--target", "all")])
def test_planted_secret_is_refused_by_every_command(
    command: tuple[str, ...], rigspec: Rigspec, tmp_path: Path
) -> None:
    lines = ["rig = 1", 'name = "box"', "[service.tmux.dev]"]
    lines += [f'windows = [{{ name = "dev", panes = ["{PLANTED["argument"]}"] }}]']
    (tmp_path / FILE).write_text("\n".join(lines), encoding="utf-8")
    forms = _FORMATS if command == ("check",) else ("text",)
    for form in forms:
        options = ("--format", form) if command == ("check",) else ()
        done = rigspec(*command, FILE, *options, cwd=tmp_path)
        output = done.stdout + done.stderr
        assert done.returncode == 2
        assert "RS406" in output
        assert "hunter2" not in output
        assert form != "text" or f"{FILE}:4:37" in output
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE]


def test_secret_files_near_rig_are_never_copied(rigspec: Rigspec, tmp_path: Path) -> None:
    """Its secrets by their names, an index with a log-in, pip's and conda's own settings."""
    planted = "plantedhunter2"
    (tmp_path / ".netrc").write_text(f"machine example.org login me password {planted}\n")
    (tmp_path / ".netrc").chmod(0o600)
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "JUPYTER_PASSWORD_HASH": planted,
        "DYNDNS": planted,
        "PIP_INDEX_URL": f"https://me:{planted}@index.example.org/simple",
        "UV_INDEX_URL": f"https://me:{planted}@index.example.org/simple",
        "RIGSPEC_APT_UBUNTU": f"https://me:{planted}@apt.example.org/ubuntu",
        "RIGSPEC_REGISTRY": f"https://me:{planted}@registry.example.org",
        "RIGSPEC_NVIDIA": f"https://me:{planted}@nvidia.example.org",
    }
    rig = ROOT / "specs" / "dl-server.toml"
    out = tmp_path / "out"
    done = rigspec(*("compile", rig, "--target", "all", "--locked", "-o", out), env=environment)
    assert done.returncode == 0, done.stderr
    assert planted not in done.stdout + done.stderr
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) > 30
    assert [str(path) for path in files if planted.encode() in path.read_bytes()] == []


def _render(found: tuple[Diagnostic, ...], text: str) -> str:
    report = Report(FILE, None, "invalid", None, found)
    return "".join(
        (
            render_text(report, {FILE: text}),
            render_json([report]),
            render_sarif([report]),
            render_github([report]),
        )
    )
