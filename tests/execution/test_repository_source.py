"""A machine that has NVIDIA's repository already: apt reads its sources before and after."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rigspec.plan import steps
from rigspec.plan.model import Plan
from tests.conftest import ROOT
from tests.execution.all_step_kinds import Supplies, every_base, every_plan, write_installer
from tests.execution.conftest import KEPT
from tests.execution.layers import Layer
from tests.execution.roots import SystemRoot
from tests.lock.signed_archive import Keys

INSTALLER = "/root/rig/install.sh"
LIST = "etc/apt/sources.list.d/every.list"
THEIRS = "/etc/apt/sources.list.d/theirs"
KEYRING = "/usr/share/keyrings/theirs.gpg"
URL = "file:///srv/repository"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    made = Keys.made(tmp_path_factory.mktemp("k"))
    yield made
    made.stop()


@pytest.fixture
def plan(keys: Keys, tmp_path: Path) -> Plan:
    (tmp_path / "srv").mkdir()
    return every_plan(Supplies(tmp_path / "srv", keys))


def system(plan: Plan, folder: Path, theirs: str, text: str, keyring: bytes) -> Layer:
    """A machine with the rig beside it, and a source of somebody else's."""
    layer = Layer.over(every_base(KEPT), folder / "system")
    layer.add(write_installer(plan, folder / "rig"), "root/rig")
    layer.add(folder / "srv", "srv")
    for path, data in ((f"{THEIRS}{theirs}", text.encode()), (KEYRING, keyring)):
        file = layer.path / "up" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return layer


def embedded(armored: bytes) -> str:
    return "".join(f"\n {line or '.'}" for line in armored.decode().strip().split("\n"))


def forms(key: bytes) -> dict[str, tuple[str, str]]:
    """Ways to write the same source: how the file ends, and its text."""
    return {
        "cuda-keyring": (".list", f"deb [signed-by={KEYRING}] {URL} /\n"),
        "options": (".list", f"# its own\ndeb [ arch=amd64 signed-by={KEYRING} ] {URL}/ / # x\n"),
        "paragraph": (
            ".sources",
            f"Types: deb\nURIs: {URL}/\nSuites: /\nSigned-By: {KEYRING}\n\n"
            f"# Off\nEnabled: no\nTypes: deb\nURIs: {URL}\nSuites: /\nSigned-By: /nowhere\n",
        ),
        "key within": (
            ".sources",
            f"Types: deb\nURIs: {URL}\nSuites: /\nSigned-By:{embedded(key)}\n",
        ),
    }


@pytest.mark.parametrize("form", forms(b""))
def test_apt_source_line_existing_source_with_same_key_is_used(
    form: str, plan: Plan, keys: Keys, tmp_path: Path
) -> None:
    end, text = forms(keys.armored(keys.own))[form]
    machine = system(plan, tmp_path, end, text, keys._gpg("--export", keys.own))
    for step in ("repository", "driver"):
        code, output = machine.run(INSTALLER, "--step", step)
        assert code == 0, output
    assert machine.run("apt-get", "-qq", "update")[0] == 0
    ours = machine.path / "up" / LIST
    assert ours.read_text("utf-8") == f"# {URL} is configured in {THEIRS}{end} with the same key.\n"
    assert "] ok  " in machine.run(INSTALLER, "--step", "repository")[1]

    # It is taken away, and the rig has need of one of its own.
    machine.run("rm", f"{THEIRS}{end}")
    code, output = machine.run(INSTALLER, "--step", "repository")
    assert code == 0, output
    assert ours.read_text("utf-8").endswith(f"lang=none] {URL} /\n")
    # And it comes later.
    (machine.path / "up" / f"{THEIRS}{end}".lstrip("/")).write_text(text, encoding="utf-8")
    assert machine.run("apt-get", "-qq", "update")[0] == 100
    assert machine.run(INSTALLER, "--step", "repository")[0] == 0
    assert machine.run("apt-get", "-qq", "update")[0] == 0


def test_apt_source_line_different_key_is_refused(plan: Plan, keys: Keys, tmp_path: Path) -> None:
    source = f"deb [signed-by={KEYRING}] {URL} /\n"
    other = keys._gpg("--export", keys.other)
    machine = system(plan, tmp_path, ".list", source, other)
    machine.run("apt-get", "indextargets")
    before = machine.outcome()
    code, output = machine.run(INSTALLER, "--step", "repository")
    assert code == 1
    assert f"{THEIRS}.list configures the repository {URL} with key {keys.other}" in output
    assert "run this again" in output
    written = {path for path in machine.outcome() if path not in before}
    assert not [path for path in written if path.startswith(("etc", "usr"))]
    assert machine.run("apt-get", "indextargets")[0] == 0


def test_apt_repository_conflicting_source_is_removed_again(
    plan: Plan, keys: Keys, tmp_path: Path
) -> None:
    """Written in a way that only apt understands."""
    (tmp_path / "srv/amd64").symlink_to("repository")
    chosen = tuple(
        replace(step, url="file:///srv/amd64")
        if isinstance(step, steps.AptRepositoryStep)
        else step
        for step in plan.steps
    )
    source = f"deb [signed-by={KEYRING}] file:///srv/$(ARCH) /\n"
    keyring = keys._gpg("--export", keys.own)
    machine = system(replace(plan, steps=chosen), tmp_path, ".list", source, keyring)
    code, output = machine.run(INSTALLER, "--step", "repository")
    assert code == 1
    assert "Signed-By" in output
    assert f"apt cannot read its sources together with /{LIST}, which was removed again" in output
    assert not (machine.path / "up" / LIST).exists()
    assert machine.run("apt-get", "-qq", "update")[0] == 0


def test_apt_source_line_ubuntu_16_04_works(ubuntu_16: SystemRoot, keys: Keys) -> None:
    """Ubuntu 16.04: apt 1.2 and gpg 1.4."""
    program = ROOT / "rigspec/plan/payload/apt-source-line.sh"
    shutil.copyfile(program, ubuntu_16.path / "root/apt-source-line.sh")
    url = "http://127.0.0.1:1/repository"
    line = f"deb [signed-by=/etc/ours.gpg lang=none] {url} /\n"
    ask = ("sh", "/root/apt-source-line.sh", f"/{LIST}", "/etc/ours.gpg", keys.own, url, "/")
    assert ubuntu_16.run(*ask).stdout == line
    (ubuntu_16.path / KEYRING.lstrip("/")).write_bytes(keys._gpg("--export", keys.own))
    theirs = f"deb [signed-by={KEYRING}] {url} /\n"
    (ubuntu_16.path / f"{THEIRS}.list".lstrip("/")).write_text(theirs, encoding="utf-8")
    assert ubuntu_16.run(*ask).stdout.startswith(f"# {url} is configured in {THEIRS}.list")
    ubuntu_16.run("apt-get", "indextargets")
    (ubuntu_16.path / LIST).write_text(line, encoding="utf-8")
    refused = ubuntu_16.run("apt-get", "indextargets", check=False)
    assert (refused.returncode, "Signed-By" in refused.stderr) == (100, True)

    (ubuntu_16.path / KEYRING.lstrip("/")).write_bytes(keys._gpg("--export", keys.other))
    refused = ubuntu_16.run(*ask, check=False)
    assert (refused.returncode, f"with key {keys.other}" in refused.stderr) == (1, True)
