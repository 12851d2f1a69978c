"""Commands of a shell in the forms that Dockerfiles have."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rigspec.importing.model import Subject
from rigspec.importing.shell.invocation import load_valued_options
from tests.importing.readings import packages, read, reasons, values

HEAD = 'FROM ubuntu:24.04\nARG TOOLS="  \\\n  git  \\\n  curl"\nARG QUIET=-q\nARG NONE=""\n'


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("pip install --resume-retries 9 six", {"six": "*"}),
        ("pip install --report out.json --abi cp312 six", {"six": "*"}),
        ("uv pip install --prerelease allow -P attrs six", {"six": "*"}),
        ("uv --no-cache pip install six", {"six": "*"}),
        ("/opt/sim/python.sh -m pip install six", {"six": "*"}),
        ("$VENV/bin/python -m pip install six", {"six": "*"}),
        ("uv run pip install six", {"six": "*"}),
        ("sudo -H pip install six", {"six": "*"}),
        ("env -i A=b pip install six", {"six": "*"}),
        ("conda run --no-capture-output -n lab pip install six", {"six": "*"}),
        ("micromamba run -n lab pip install six==1.16.0", {"six": "==1.16.0"}),
        ('bash -c "pip install six"', {"six": "*"}),
        ("sudo /bin/bash -lc 'cd / && pip install six'", {"six": "*"}),
        ("su lab -c 'pip install six'", {"six": "*"}),
        ('eval "pip install six"', {"six": "*"}),
        ('["pip", "install", "six>=1"]', {"six": ">=1"}),
        ('["/bin/bash", "-c", "pip install six"]', {"six": "*"}),
        ("pip install $QUIET ${NONE} six", {"six": "*"}),
        ("echo pip install six", {}),
    ],
)
def test_dockerfile_command_gives_the_packages_that_pip_installs(
    command: str, expected: dict[str, str]
) -> None:
    reading = read("Dockerfile", f"{HEAD}ARG VENV=/v\nRUN {command}\n")
    assert packages(reading) == expected
    assert reasons(reading) == {}
    assert values(reading, Subject.MANAGER) == []
    for statement in reading.statements:
        if statement.name == "six":
            assert statement.span.line == 8


def test_dockerfile_variable_without_quotes_is_several_words() -> None:
    reading = read("Dockerfile", f"{HEAD}RUN apt-get install -y ${{TOOLS}} vim\n")
    assert values(reading, Subject.SYSTEM_PACKAGE) == ["git", "curl", "vim"]
    assert reasons(reading) == {}
    quoted = read("Dockerfile", f'{HEAD}RUN apt-get install -y "${{TOOLS}}"\n')
    assert values(quoted, Subject.SYSTEM_PACKAGE) == []
    assert list(reasons(quoted).values()) == ["not the name of a system package"]


@pytest.mark.parametrize(
    "command",
    [
        "python3.12 get-pip.py",
        "ln -sf /usr/bin/python3.12 /usr/bin/python3",
        "ln -s /usr/bin/python3.12 /usr/local/bin/python",
        "update-alternatives --install /usr/bin/python3 python3 /usr/bin/python3.12 1",
        "update-alternatives --set python3 /usr/bin/python3.12",
    ],
)
def test_dockerfile_default_python_gives_its_version(command: str) -> None:
    reading = read("Dockerfile", f"FROM ubuntu:24.04\nRUN {command}\n")
    assert values(reading, Subject.PYTHON) == ["==3.12.*"]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("bash ./install_env.sh --cuda", "bash ./install_env.sh --cuda"),
        ("sh /uv-installer.sh", "sh /uv-installer.sh"),
        ("./setup.sh", "./setup.sh"),
        ("add-apt-repository -y ppa:deadsnakes/ppa", "add-apt-repository -y ppa:deadsnakes/ppa"),
        ("dpkg -i cuda-keyring_1.1-1_all.deb", "dpkg -i cuda-keyring_1.1-1_all.deb"),
        ("conda env create -f environment.yml", "environment.yml"),
        ("conda install --file more.txt", "more.txt"),
        ("pip install git+https://github.com/a/b", "git+https://github.com/a/b"),
    ],
)
def test_dockerfile_command_with_unknown_contents_is_named(command: str, shown: str) -> None:
    reading = read("Dockerfile", f"FROM scratch\nRUN cd / && {command}\n")
    assert list(reasons(reading)) == [shown]
    assert packages(reading) == {}


def test_dockerfile_follows_the_environment_that_conda_creates(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text(
        "channels: [conda-forge]\ndependencies:\n- python=3.11\n- numpy=2.0\n- pip:\n  - six\n",
        encoding="utf-8",
    )
    text = "FROM ubuntu:24.04\nCOPY environment.yml /tmp/\n"
    text += "RUN mamba env create -n lab -f /tmp/environment.yml\n"
    reading = read(str(tmp_path / "Dockerfile"), text)
    assert packages(reading) == {"numpy": "==2.0.*", "six": "*"}
    assert values(reading, Subject.PYTHON) == ["==3.11.*"]
    assert values(reading, Subject.MANAGER)[0] == "conda"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("pip install torch==2.9.1 --extra-index-url URL", "+cu128 ==2.9.1"),
        ("pip install --extra-index-url=URL 'torch>=2.9'", ">=2.9"),
        ("uv pip install 'torch>=2.9' --extra-index-url URL", "+cu128 >=2.9"),
        ("uv pip install torch --index URL", "+cu128 *"),
        ("uv pip install torch --torch-backend=cu128", "+cu128 *"),
        ("uv pip install torch --torch-backend auto", "*"),
    ],
)
def test_dockerfile_extra_index_gives_the_build_that_is_installed(
    command: str, expected: str
) -> None:
    address = "https://download.pytorch.org/whl/cu128"
    reading = read("Dockerfile", f"FROM scratch\nRUN {command.replace('URL', address)}\n")
    assert packages(reading) == {"torch": expected}


def test_dockerfile_unknown_index_is_named_without_its_password() -> None:
    command = "pip install six -i https://me:secret@packages.example.org/simple"
    reading = read("Dockerfile", f"FROM scratch\nRUN {command}\n")
    reason = "the packages of this index are unknown"
    assert reasons(reading) == {"packages.example.org/simple": reason}


@pytest.mark.parametrize("program", [("-m", "pip"), ("-m", "uv", "pip")])
def test_options_with_a_value_are_those_of_the_installed_programs(program: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, *program, "install", "--help"], capture_output=True, text=True, check=True
    )
    found = re.findall(r"^ {2,8}(?:(-\w), )?(--[a-z-]+) <", done.stdout, re.MULTILINE)
    options = {option for pair in found for option in pair if option}
    assert len(options) > 30
    assert options <= load_valued_options()["pip"]
