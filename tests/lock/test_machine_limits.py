"""A lock and the artifacts of a rig whose environments are limited to machines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.fs.atomic_tree import read_tree
from rigspec.lock.lockfile import read_lock

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
SPEC = """\
rig = 1
name = "lab"

[machine.one]
os = "debian 12"

[machine.two_b]
os = "debian 12"

[env.lab]
python = "3.11"
interpreter = "system"
packages = { six = "*" }

[env.board]
machines = ["one"]
python = "3.11"
interpreter = "system"
packages = { idna = "*" }
threads = 3

[service.program.web]
env = "board"
command = ["python", "-m", "http.server"]
secrets = { TOKEN = { secret = "WEB_TOKEN" } }

[service.ssh]
machines = ["two_b"]

[user.ada]
envs = ["lab", "board"]
"""
EVERYWHERE = SPEC.replace('machines = ["one"]\n', "")


@pytest.fixture
def locked(tmp_path: Path, rigspec: Rigspec) -> Path:
    (tmp_path / "rig.toml").write_text(SPEC, encoding="utf-8")
    done = rigspec("lock", tmp_path / "rig.toml", "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    return tmp_path


def compile_machine(folder: Path, machine: str, rigspec: Rigspec, *options: object) -> Path:
    output = folder / "out" / machine
    lock = folder / "lock"
    done = rigspec(
        *("compile", folder / "rig.toml", "--lock", lock, "-o", output, "--machine", machine),
        *options,
    )
    assert done.returncode == 0, done.stderr
    return output


def test_lock_has_an_environment_on_its_machines_only(locked: Path) -> None:
    lock, _ = read_lock(locked / "lock")
    envs = {m.resolution.machine: [env.name for env in m.envs] for m in lock.machines}
    assert envs == {"one": ["board", "lab"], "two_b": ["lab"]}
    files = {str(path.relative_to(locked / "lock")) for path in (locked / "lock").rglob("*.txt")}
    assert "one/board.requirements.txt" in files
    assert "two_b/lab.requirements.txt" in files
    assert not any(name.startswith("two_b/board") for name in files)


def test_targets_have_environments_services_and_secrets_of_the_machine(
    locked: Path, rigspec: Rigspec
) -> None:
    texts = {}
    for machine in ("one", "two_b"):
        targets = ("shell", "ansible", "docker", "uv", "sbom", "cloud-init")
        options = [option for target in targets for option in ("--target", target)]
        output = compile_machine(locked, machine, rigspec, *options)
        files = [path for path in output.rglob("*") if path.is_file()]
        texts[machine] = {path: path.read_text(encoding="utf-8") for path in files}
    for word in ("envs/board", "WEB_TOKEN", "http.server", "OMP_NUM_THREADS"):
        assert any(word in text for text in texts["one"].values()), word
        assert [path for path, text in texts["two_b"].items() if word in text] == [], word
    sshd = [m for m in texts if any("Port 22" in text for text in texts[m].values())]
    assert sshd == ["two_b"]


def test_compile_without_machine_writes_a_folder_for_each(locked: Path, rigspec: Rigspec) -> None:
    command = ("compile", locked / "rig.toml", "--lock", locked / "lock", "--target", "bashrc,sbom")
    done = rigspec(*command, "-o", locked / "all")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("note: --verbose") == 1
    assert sorted(path.name for path in (locked / "all").iterdir()) == ["one", "two_b"]
    for machine in ("one", "two_b"):
        alone = compile_machine(locked, machine, rigspec, "--target", "bashrc,sbom")
        assert read_tree(locked / "all" / machine) == read_tree(alone)
    assert rigspec(*command, "-o", locked / "all", "--check").returncode == 0
    done = rigspec(*command, "-o", locked / "all", "--format", "json")
    machines = json.loads(done.stdout)["machines"]
    assert [machine["machine"] for machine in machines] == ["one", "two_b"]
    assert machines[1]["targets"][0]["files"][0].startswith(str(locked / "all" / "two_b"))


def test_compile_names_the_machine_whose_folder_has_other_files(
    locked: Path, rigspec: Rigspec
) -> None:
    other = locked / "all" / "two_b" / "notes.txt"
    other.parent.mkdir(parents=True)
    other.write_text("mine", encoding="utf-8")
    command = ("compile", locked / "rig.toml", "--lock", locked / "lock", "--target", "bashrc")
    done = rigspec(*command, "-o", locked / "all")
    assert done.returncode == 2
    assert f"RS604: {locked}/all/two_b" in done.stderr
    assert [*other.parent.iterdir()] == [other]
    done = rigspec(*command, "-o", locked / "all" / "one", "--machine", "one", "--check")
    assert done.returncode == 0, done.stderr


def test_playbook_and_inventory_are_of_the_group_of_the_machine(
    locked: Path, rigspec: Rigspec
) -> None:
    output = compile_machine(locked, "two_b", rigspec, "--target", "ansible") / "ansible"
    playbook = (output / "playbook.yml").read_text(encoding="utf-8")
    assert playbook.count('hosts: "rig_two_b"') == 2
    assert 'hosts: "rig"' not in playbook
    inventory = (output / "inventory.example.yml").read_text(encoding="utf-8")
    assert '\n"rig_two_b":\n  hosts:\n' in inventory


def test_environment_on_more_machines_makes_the_lock_stale(locked: Path, rigspec: Rigspec) -> None:
    (locked / "rig.toml").write_text(EVERYWHERE, encoding="utf-8")
    done = rigspec(
        *("compile", locked / "rig.toml", "--lock", locked / "lock", "-o", locked / "out"),
        *("--machine", "two_b", "--target", "shell"),
    )
    assert done.returncode == 1
    assert "RS502" in done.stderr
    assert "the environment board is only in the spec" in done.stderr


def test_lock_of_every_machine_is_read_and_stale_once_an_environment_is_limited(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(EVERYWHERE, encoding="utf-8")
    assert rigspec("lock", spec, "-o", tmp_path / "lock").returncode == 0
    spec.write_text(SPEC, encoding="utf-8")
    done = rigspec(
        *("compile", spec, "--lock", tmp_path / "lock", "-o", tmp_path / "out"),
        *("--machine", "one", "--target", "shell"),
    )
    assert done.returncode == 1
    assert "the environment board is only in the lock" in done.stderr
    before = read_lock(tmp_path / "lock")[0].machines[0].envs
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert read_lock(tmp_path / "lock")[0].machines[0].envs == before


def test_connect_with_machine_prints_its_services(locked: Path, rigspec: Rigspec) -> None:
    spec = locked / "rig.toml"
    spec.write_text(
        SPEC.replace("[service.ssh]", "[service.jupyter]\nenv = 'board'\n[service.ssh]")
    )
    found = {m: rigspec("connect", spec, "--machine", m).stdout for m in ("one", "two_b")}
    assert "notebook" in found["one"]
    assert "notebook" not in found["two_b"]
    assert rigspec("connect", spec, "--machine", "three").returncode == 2
