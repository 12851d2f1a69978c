"""Programs of environments: their units as systemd reads them, their account and their secrets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rigspec.check import check_machine
from rigspec.diagnostics.model import Severity
from rigspec.lock.model import Lock, LockedEnv, LockedInterpreter, LockedMachine
from rigspec.plan.build import build_plan
from rigspec.plan.model import Plan
from rigspec.plan.services.units import format_assignment, format_command
from rigspec.plan.steps import SecretStep, ServiceStep, Step, UserStep
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, parse_spec
from tests.resolve.rigs import check_text
from tests.systemd_units import check_unit

HEAD = """
rig = 1
name = "box"
[machine.box]
os = "ubuntu 24.04"
[user.ada]
[env.serve]
packages = { six = "*" }
"""
PROGRAM = """
[service.program.chat]
env = "serve"
command = ["vllm", "serve", "model 1", "--port", "8000", "50% of $HOME", 'a "b" \\c', ""]
port = 8000
gpus = [1, 0]
variables = { GREETING = '"50%" \\ $HOME' }
secrets = { HF_TOKEN = { secret = "HUB" } }
"""


def plan_steps(text: str) -> tuple[Step, ...]:
    return plan_programs(text).steps


def plan_programs(text: str) -> Plan:
    spec = parse_spec("rig.toml", HEAD + text)
    resolution = check_machine(spec, "box", load_required_matrix(spec.rig, "box")).resolution
    assert resolution is not None
    interpreter = LockedInterpreter("system", ("python3", "-m", "venv"))
    envs = (LockedEnv("serve", "uv", (), (), interpreter),)
    lock = Lock("box", "", "", (LockedMachine(resolution=resolution, envs=envs),))
    return build_plan(spec.rig, lock, "box", "0" * 64)


def find_unit(text: str) -> ServiceStep:
    (service,) = [s for s in plan_steps(text) if isinstance(s, ServiceStep)]
    return service


def test_program_unit_passes_systemd_analyze(tmp_path: Path) -> None:
    service = find_unit(PROGRAM)
    assert service.name == "rig-program-chat.service"
    check_unit(service, tmp_path)
    assert "CUDA_VISIBLE_DEVICES=1,0" in service.unit


def test_program_without_user_gets_an_account_and_its_secrets() -> None:
    steps = plan_steps(PROGRAM)
    assert "program" in [s.name for s in steps if isinstance(s, UserStep)]
    (secret,) = [s for s in steps if isinstance(s, SecretStep)]
    assert (secret.name, secret.owner) == ("HUB", "root")
    assert secret.text == "HF_TOKEN={secret}"
    service = find_unit(PROGRAM)
    assert service.needs == (secret.id,)
    assert f"EnvironmentFile={secret.path}" in service.unit.splitlines()
    assert re.search("^User=program$", service.unit, re.MULTILINE)


def test_program_of_a_user_runs_as_that_user() -> None:
    text = PROGRAM + 'user = "ada"\nfolder = "/srv/models"\n'
    service = find_unit(text)
    assert {"User=ada", "WorkingDirectory=/srv/models"} <= set(service.unit.splitlines())
    assert [s.name for s in plan_steps(text) if isinstance(s, UserStep)] == ["ada"]


def test_program_that_listens_everywhere_is_a_warning() -> None:
    (warning,) = [
        d
        for d in check_text(HEAD + PROGRAM + 'address = "0.0.0.0"\n').diagnostics
        if d.code == "RS405"
    ]
    assert warning.severity is Severity.WARNING
    assert "anyone who can reach port 8000 can use it" in warning.message


def test_secret_in_a_variable_of_a_program_is_refused() -> None:
    text = PROGRAM.replace("GREETING = '\"50%\" \\ $HOME'", 'API_KEY = "sk-9ff2c4d8e1b3a6f7"')
    assert [code for code, _ in list_errors(HEAD + text)] == ["RS406"]


def test_programs_have_steps_of_different_ids() -> None:
    secrets = 'secrets = { UI = { secret = "A" }, ui = { secret = "B" } }'
    other = '[service.program.{}]\nenv = "serve"\ncommand = ["sleep"]\n'
    text = PROGRAM.replace('secrets = { HF_TOKEN = { secret = "HUB" } }', secrets)
    ids = [step.id for step in plan_steps(text + other.format("chat-ui") + other.format("ui"))]
    assert len(ids) == len(set(ids))
    assert {"program-chat", "program-chat-ui", "program-ui"} <= set(ids)


@pytest.mark.parametrize(
    "table",
    [
        'env.{}]\npackages = { six = "*" }',
        "user.{}]",
        'service.tmux.{}]\nwindows = [{ name = "a" }]',
    ],
)
def test_names_that_differ_in_dash_only_are_refused(table: str) -> None:
    tables = "".join(f"[{table.replace('{}', name)}\n" for name in ("a-b", "a_b"))
    errors = list_errors(HEAD + tables)
    assert [code for code, _ in errors] == ["RS003"]
    assert "`a-b` and `a_b`" in errors[0][1]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("/bin/a", "--x=1"), "/bin/a --x=1"),
        (("/bin/a", "b c"), '/bin/a "b c"'),
        (("/bin/a", "", ";"), '/bin/a "" ";"'),
        (("/bin/a", "50%"), '/bin/a "50%%"'),
        (("/bin/a", "$HOME", "${X}"), '/bin/a "$$HOME" "$${X}"'),
        (("/bin/a", 'q"\\'), r'/bin/a "q\"\\"'),
    ],
)
def test_command_is_quoted_as_systemd_unquotes_it(words: tuple[str, ...], command: str) -> None:
    assert format_command(words) == command


def test_assignment_keeps_dollar_and_doubles_percent() -> None:
    assert format_assignment("A", 'x "y" $z 1%') == r'Environment="A=x \"y\" $z 1%%"'


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (('env = "serve"', 'env = "srve"'), "RS008", "no environment `srve`"),
        (("port = 8000", 'user = "bob"'), "RS008", "no user `bob`"),
        (
            ("[service.program.chat]", "[service.ssh]\nport = 8000\n[service.program.chat]"),
            "RS011",
            "sshd and the program chat both listen on port 8000",
        ),
        (
            ('"vllm"', '"bin/vllm"'),
            "RS003",
            "the first word of `service.program.chat.command` is not a program",
        ),
        (("HF_TOKEN =", "GREETING ="), "RS007", "`GREETING` is in `variables` and in `secrets`"),
    ],
)
def test_program_that_cannot_run_is_an_error_at_its_line(
    change: tuple[str, str], code: str, message: str
) -> None:
    errors = list_errors(HEAD + PROGRAM.replace(*change))
    assert [code for code, _ in errors] == [code]
    assert message in errors[0][1]


def list_errors(text: str) -> list[tuple[str, str]]:
    try:
        report = check_text(text)
    except InvalidSpec as error:
        return [(d.code, d.message) for d in error.diagnostics]
    return [(d.code, d.message) for d in report.diagnostics if d.severity.value == "error"]


def test_program_container_has_its_account_gpus_and_address() -> None:
    text = PROGRAM + 'address = "0.0.0.0"\n'
    (container,) = plan_programs(text).container_users
    assert (container.name, container.account) == ("program.chat", "program")
    assert (container.gpus, container.address) == ((1, 0), "0.0.0.0")
    service = find_unit(text)
    assert container.service == service.id
    assert service.command[:2] == ("/opt/rig/envs/serve/bin/vllm", "serve")
    assert service.secret_variables == (("HF_TOKEN", "HUB"),)


def test_programs_of_one_account_share_its_home_volume() -> None:
    other = PROGRAM.replace("program.chat", "program.embed").replace("8000", "8001")
    plan = plan_programs(PROGRAM + other)
    assert [user.home_volume for user in plan.container_users] == ["program-home"] * 2
    assert len({user.uid for user in plan.container_users}) == 1
