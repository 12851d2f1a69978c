"""`rigspec connect`: commands that a client's shell takes as they are printed."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
RIG = """
rig = 1
name = "box"

[machine.box]
os = "debian 12"

[env.lab]
python = "3.11"

[service.ssh]
port = 2222

[service.jupyter]
env = "lab"
port = 8888
tls = true
address = "{address}"
password = {{ secret = "HASH" }}

[service.tmux.work]
windows = [{{ name = "dev" }}]

[service.monitoring]
prometheus = {{ port = 9091, address = "::1" }}

[user.ada]

[user.bob]
jupyter_port = 8889
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "rig.toml"
    path.write_text(RIG.format(address="127.0.0.1"), encoding="utf-8")
    return path


def rows(rigspec: Rigspec, *options: object) -> dict[tuple[str, str], tuple[str, str | None]]:
    done = rigspec("connect", *options, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == 1
    for row in found["connections"]:
        assert shlex.split(row["line"]) == row["command"]
    return {(r["user"], r["service"]): (r["line"], r["url"]) for r in found["connections"]}


def test_connections_each_user_has_command_per_service(rigspec: Rigspec, spec: Path) -> None:
    found = rows(rigspec, spec, "--host", "10.0.0.5")
    assert found["ada", "shell"] == ("ssh -p 2222 ada@10.0.0.5", None)
    assert found["ada", "tmux work"] == ("ssh -t -p 2222 ada@10.0.0.5 rig-tmux work", None)
    assert found["ada", "notebook"] == (
        "ssh -N -L 127.0.0.1:8888:127.0.0.1:8888 -p 2222 ada@10.0.0.5",
        "https://127.0.0.1:8888/",
    )
    assert found["bob", "notebook"] == (
        "ssh -N -L 127.0.0.1:8889:127.0.0.1:8889 -p 2222 bob@10.0.0.5",
        "https://127.0.0.1:8889/",
    )
    line, url = found["ada", "prometheus"]
    assert shlex.split(line)[3] == "127.0.0.1:9091:[::1]:9091"
    assert url == "http://127.0.0.1:9091/"
    assert found["ada", "exporter"][1] == "http://127.0.0.1:9100/metrics"


def test_connections_ipv6_address_is_bracketed(rigspec: Rigspec, spec: Path) -> None:
    found = rows(rigspec, spec, "--host", "fe80::1%eth0", "--user", "bob")
    assert {user for user, _ in found} == {"bob"}
    assert found["bob", "shell"][0] == "ssh -p 2222 bob@fe80::1%eth0"


def test_connections_open_notebook_has_direct_url(rigspec: Rigspec, spec: Path) -> None:
    spec.write_text(RIG.format(address="*"), encoding="utf-8")
    found = rows(rigspec, spec, "--host", "2001:db8::1", "--user", "bob")
    assert found["bob", "notebook"][0].split()[3] == "127.0.0.1:8889:127.0.0.1:8889"
    assert found["bob", "notebook, directly"] == ("", "https://[2001:db8::1]:8889/")


def test_connect_without_host_uses_placeholder(rigspec: Rigspec, spec: Path) -> None:
    done = rigspec("connect", ROOT / "specs" / "dl-server.toml", "--user", "bob")
    assert "ssh -t -p 22 bob@rig.example.org rig-tmux fastai" in done.stdout
    assert done.stderr == ""
    done = rigspec("connect", spec)
    assert "ssh -p 2222 ada@HOST" in done.stdout
    assert "HOST is a placeholder for the machine's address" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--user", "adda"), "no user `adda` in "),
        (("--host", "-oProxyCommand=x"), "invalid host name or address `-oProxyCommand=x`"),
        (("--host", "a b"), "invalid host name or address `a b`"),
        (("--host", ""), "invalid host name or address ``"),
    ],
)
def test_connect_unsafe_host_is_refused(
    options: tuple[str, str], message: str, rigspec: Rigspec, spec: Path
) -> None:
    done = rigspec("connect", spec, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
