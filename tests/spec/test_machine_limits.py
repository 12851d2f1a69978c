"""Environments and services that `machines` limits to some machines of a rig."""

from __future__ import annotations

import pytest

from rigspec.spec.loader import InvalidSpec, compute_spec_digest, parse_spec
from rigspec.spec.machine_limits import limit_to_machine
from rigspec.spec.models.rig import Rig

LAB = """
rig = 1
name = "lab"
[machine.kepler]
[machine.ampere]
[machine.hopper]
[env.old]
machines = ["kepler"]
[env.serve]
machines = ["hopper"]
[env.tools]
[service.jupyter]
env = "old"
[service.ssh]
[service.dyndns]
machines = ["ampere"]
hostname = "lab.example.org"
protocol = "noip"
credentials = { secret = "DYNDNS" }
[service.program.llm]
env = "serve"
command = ["vllm", "serve"]
[service.program.board]
env = "tools"
machines = ["ampere", "hopper"]
command = ["tensorboard"]
[service.tmux.dev]
env = "tools"
windows = [{ name = "logs" }, { name = "llm", env = "serve" }]
[user.ada]
envs = ["old", "tools"]
[user.bob]
jupyter_port = 8889
"""


def limit(machine: str, text: str = LAB) -> Rig:
    return limit_to_machine(parse_spec("rig.toml", text).rig, machine)


@pytest.mark.parametrize(
    ("machine", "envs"),
    [
        ("kepler", ["old", "tools"]),
        ("ampere", ["tools"]),
        ("hopper", ["serve", "tools"]),
    ],
)
def test_environment_is_on_its_machines_and_without_machines_on_all(
    machine: str, envs: list[str]
) -> None:
    assert list(limit(machine).env) == envs


def test_service_without_machines_is_where_its_environments_are() -> None:
    notebooks = {m: limit(m).service.jupyter is not None for m in ("kepler", "ampere", "hopper")}
    assert notebooks == {"kepler": True, "ampere": False, "hopper": False}
    sessions = {m: list(limit(m).service.tmux) for m in ("kepler", "ampere", "hopper")}
    assert sessions == {"kepler": [], "ampere": [], "hopper": ["dev"]}


def test_service_with_machines_is_on_them_only() -> None:
    programs = {m: list(limit(m).service.program) for m in ("kepler", "ampere", "hopper")}
    assert programs == {"kepler": [], "ampere": ["board"], "hopper": ["llm", "board"]}
    names = {m: limit(m).service.dyndns is not None for m in ("kepler", "ampere", "hopper")}
    assert names == {"kepler": False, "ampere": True, "hopper": False}
    assert limit("kepler").service.ssh is not None


def test_user_has_the_environments_of_the_machine_and_all_without_envs() -> None:
    users = limit("ampere").user
    assert users["ada"].envs == ("tools",)
    assert users["bob"].envs is None


def test_machine_with_every_environment_and_service_gets_the_rig_itself() -> None:
    text = "\n".join(line for line in LAB.splitlines() if not line.startswith("machines"))
    rig = parse_spec("rig.toml", text).rig
    assert limit_to_machine(rig, "kepler") is rig


def test_rig_of_a_machine_is_limited_once() -> None:
    rig = limit("hopper")
    assert limit_to_machine(rig, "hopper") is rig


def test_services_on_different_machines_share_a_port() -> None:
    text = LAB.replace('env = "serve"\n', 'env = "serve"\nport = 8888\n')
    assert limit("kepler", text).service.jupyter is not None
    with pytest.raises(InvalidSpec) as failed:
        parse_spec("rig.toml", text.replace('machines = ["hopper"]', ""))
    (error,) = failed.value.diagnostics
    assert error.code == "RS011"
    assert "the program llm" in error.message


def test_digest_depends_on_machines() -> None:
    other = LAB.replace('machines = ["hopper"]', 'machines = ["ampere", "hopper"]')
    digests = {compute_spec_digest(parse_spec("rig.toml", text).rig) for text in (LAB, other)}
    assert len(digests) == 2


def test_name_without_a_similar_machine_lists_the_machines() -> None:
    with pytest.raises(InvalidSpec) as failed:
        parse_spec("rig.toml", LAB.replace('["kepler"]', '["tesla"]'))
    (error,) = failed.value.diagnostics
    assert (error.code, error.help) == ("RS008", ("name one of `kepler`, `ampere`, `hopper`",))


def test_machines_in_a_rig_without_machines_are_undeclared() -> None:
    text = 'rig = 1\nname = "lab"\n[env.lab]\nmachines = ["tower"]\n'
    with pytest.raises(InvalidSpec) as failed:
        parse_spec("rig.toml", text)
    (error,) = failed.value.diagnostics
    assert error.message == "no machine `tower`"
    assert error.help == ("declare it in `[machine.NAME]`, or remove `machines`",)
