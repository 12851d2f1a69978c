"""The commands of each example's README, run as printed in a copy of its folder."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.documents import Block, Command, blocks_of, matches, revised
from tests.examples.environments import ENVIRONMENTS, ON_THE_MACHINE, Environment, on_this_host

EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/README.md"))
# Titles of blocks that only the e2e test runs.
SLOW = "takes minutes"
TITLES = {None, SLOW, ON_THE_MACHINE}
LANGUAGES = {"console", "hcl"}
# Minutes that the whole README takes; those that need a new machine or gigabytes are nightly.
MINUTES = {"tensorflow-1.8": 2, "offline": 2, "ansible": 4, "pytorch": 2}
NIGHTLY = {"dockerfile": 6, "virtual-machine": 12, "terraform": 1, "slurm": 2, "kubernetes": 2}
SLOW_EXAMPLES = [
    *(pytest.param(name, marks=pytest.mark.e2e(minutes=n)) for name, n in MINUTES.items()),
    *(
        pytest.param(name, marks=[pytest.mark.e2e(minutes=n), pytest.mark.nightly])
        for name, n in NIGHTLY.items()
    ),
]
# Installation of rigspec from the package index, in the workflow files.
INSTALL = re.compile(r"^pip install rigspec$")


def _readme(name: str) -> Path:
    return ROOT / "examples" / name / "README.md"


def _blocks(name: str, *titles: str | None) -> list[Block]:
    blocks = blocks_of(_readme(name))
    return [block for block in blocks if block.language == "console" and block.title in titles]


def _copy(name: str, folder: Path) -> Path:
    """Copy the files of an example that are committed or new, without build outputs."""
    copy = folder / name
    ignored = shutil.ignore_patterns("out", "lockfiles", ".terraform*", "*.tfstate")
    shutil.copytree(ROOT / "examples" / name, copy, ignore=ignored)
    # Otherwise a folder of that name further up would be used.
    (copy / "lockfiles").mkdir()
    return copy


def _run(command: Command, block: Block, environment: Environment, update: bool) -> None:
    status, output = environment.run(command.line, on_machine=block.title == ON_THE_MACHINE)
    assert status == 0, f"{block.place}: {command.line}\n{output}"
    if matches(command.output, output):
        return
    assert update, f"{block.place}: {command.line}\n{output}"
    text = block.document.read_text(encoding="utf-8")
    new = revised(command.output, output)
    text = text.replace(f"{command.line}\n{command.output}", f"{command.line}\n{new}")
    block.document.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_fast_commands_print_what_is_shown(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    update = request.config.getoption("--update-golden")
    with on_this_host(_copy(name, tmp_path)) as environment:
        for block in _blocks(name, None):
            for command in block.commands():
                _run(command, block, environment, update)


@pytest.mark.parametrize("name", SLOW_EXAMPLES)
def test_all_commands_print_what_is_shown(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    update = request.config.getoption("--update-golden")
    with ENVIRONMENTS[name](_copy(name, tmp_path)) as environment:
        for block in _blocks(name, *TITLES):
            for command in block.commands():
                _run(command, block, environment, update)


def test_index_lists_every_example() -> None:
    text = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\((\S+)/README\.md\)", text)) == EXAMPLES
    folders = [path.name for path in (ROOT / "examples").iterdir() if path.is_dir()]
    assert sorted(folders) == EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_block_is_run(name: str) -> None:
    for block in blocks_of(_readme(name)):
        assert block.language in LANGUAGES, block.place
        assert block.title in TITLES, block.place
    assert bool(_blocks(name, SLOW, ON_THE_MACHINE)) == (name in ENVIRONMENTS)
    assert ENVIRONMENTS.keys() == {*MINUTES, *NIGHTLY}


@pytest.mark.parametrize("name", EXAMPLES)
def test_links_lead_to_files(name: str) -> None:
    text = _readme(name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", text):
        assert (_readme(name).parent / target).exists(), target


def _scripts(service: str) -> list[str]:
    """Return the shell commands of a workflow file."""
    folder = ROOT / "examples" / "ci"
    if service == "github":
        file = yaml.safe_load((folder / ".github/workflows/rig.yml").read_text(encoding="utf-8"))
        return [step["run"] for step in file["jobs"]["check"]["steps"] if "run" in step]
    file = yaml.safe_load((folder / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    return [*file["rig"]["before_script"], *file["rig"]["script"]]


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_workflow_commands_succeed_with_the_lock(service: str, tmp_path: Path) -> None:
    scripts = _scripts(service)
    assert [script for script in scripts if INSTALL.match(script)]
    with on_this_host(_copy("ci", tmp_path)) as environment:
        status, output = environment.run("rigspec lock rig.toml")
        assert status == 0, output
        for script in scripts:
            if not INSTALL.match(script):
                status, output = environment.run(script)
                assert status == 0, f"{script}\n{output}"
    assert '"version": "2.1.0"' in (tmp_path / "ci" / "rig.sarif").read_text(encoding="utf-8")


@pytest.mark.nightly
@pytest.mark.e2e(minutes=1)
def test_hcl_of_the_terraform_example_is_formatted() -> None:
    folder = ROOT / "examples" / "terraform"
    texts = [(folder / "main.tf").read_text(encoding="utf-8")]
    texts += [block.text for block in blocks_of(folder / "README.md") if block.language == "hcl"]
    assert len(texts) == 2
    for text in texts:
        done = subprocess.run(
            ["terraform", "fmt", "-check", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
