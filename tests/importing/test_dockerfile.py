"""Dockerfiles as they are read."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.importing.model import Subject
from tests.importing.readings import packages, read, reasons, values

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG CUDA=12.1.0
FROM golang:1.22 AS build
RUN apt-get install -y unrelated
FROM nvidia/cuda:${CUDA}-cudnn8-devel-ubuntu22.04 AS base
RUN apt-get update && \\
    # tools
    apt-get install -y --no-install-recommends git \\
      wget=1.2 ${EXTRA} && rm -rf /var/lib/apt/lists/*
FROM base
ENV TORCH=2.1.0
RUN python3 -m pip install --index-url=https://download.pytorch.org/whl/cu121 "torch==${TORCH}"
RUN pip install 'numpy<2' -r requirements.txt ./local
"""


def test_dockerfile_gives_base_image_and_installed_packages() -> None:
    reading = read("Dockerfile", DOCKERFILE)
    assert values(reading, Subject.BASE_IMAGE) == ["nvidia/cuda:12.1.0-cudnn8-devel-ubuntu22.04"]
    assert values(reading, Subject.OS) == ["ubuntu 22.04"]
    assert values(reading, Subject.SYSTEM_PACKAGE) == ["git", "wget"]
    assert packages(reading) == {"torch": "+cu121 ==2.1.0", "numpy": "<2"}
    assert reasons(reading) == {
        "wget=1.2": "only its version or architecture",
        "${EXTRA}": "a variable without a value",
        "requirements.txt": "a file of requirements; import it as well",
        "./local": "installed from a folder or file",
        "golang:1.22 AS build": "another image: import it with `--stage build`",
    }


def test_dockerfile_follows_requirements_that_it_copies(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "requirements.txt").write_text("torch==2.4.1\n")
    (docker / "extra.txt").write_text("numpy==1.26.4\n")
    for lines, expected in (
        ("COPY . /app\nRUN pip install -r /app/requirements.txt", {"torch": "==2.4.1"}),
        ("WORKDIR /a\nADD requirements.txt .\nRUN pip install -r requirements.txt", {"torch": 1}),
        ("COPY --chown=1 r*.txt /b/\nRUN pip install -r /b/requirements.txt", {"torch": 1}),
        ("COPY extra.txt /x.txt\nRUN pip install -r /x.txt", {"numpy": "==1.26.4"}),
        ("COPY --from=build . /app\nRUN pip install -r /app/requirements.txt", {}),
        ("COPY ../.. /app\nRUN pip install -r /app/requirements.txt", {}),
        ("RUN pip install -r /app/requirements.txt", {}),
    ):
        reading = read(str(docker / "Dockerfile"), f"FROM ubuntu:22.04\n{lines}\n")
        assert packages(reading).keys() == expected.keys(), lines
        named = "a file of requirements; import it as well" in reasons(reading).values()
        assert named is not bool(expected), lines


def test_dockerfile_with_two_possible_requirements_follows_neither(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.mkdir()
    (tmp_path / ".git").mkdir()
    for folder in (tmp_path, docker):
        (folder / "requirements.txt").write_text("torch==2.4.1\n")
    text = "FROM ubuntu:22.04\nCOPY . /app\nRUN pip install -r /app/requirements.txt\n"
    assert packages(read(str(docker / "Dockerfile"), text)) == {}


def test_dockerfile_version_that_a_later_line_replaces_is_omitted() -> None:
    text = "FROM ubuntu:22.04\nRUN pip install torch==2.7.1\nRUN pip install torch==2.8.0\n"
    reading = read("Dockerfile", text)
    assert packages(reading) == {"torch": "==2.8.0"}
    assert reasons(reading) == {"torch ==2.7.1": "line 3 replaces it"}


def test_dockerfile_image_of_ngc_is_the_base_image() -> None:
    image = "nvcr.io/nvidia/pytorch:25.12-py3"
    reading = read("Dockerfile", f"FROM {image}\n")
    assert values(reading, Subject.BASE_IMAGE) == [image]


@pytest.mark.parametrize(
    ("image", "subject", "expected"),
    [
        ("python:3.11-slim-bookworm", Subject.PYTHON, ["==3.11.*"]),
        ("python:3.11-slim-bookworm", Subject.OS, ["debian 12"]),
        ("docker.io/library/ubuntu:22.04", Subject.OS, ["ubuntu 22.04"]),
        ("rockylinux:9", Subject.OS, ["rocky 9"]),
        ("pytorch/pytorch:2.4.0-cuda12.1-cudnn9-runtime", Subject.PACKAGE, ["==2.4.0"]),
        ("tensorflow/tensorflow:2.15.0-gpu", Subject.PACKAGE, ["==2.15.0"]),
        ("vllm/vllm-openai:v0.20.1", Subject.PACKAGE, ["==0.20.1"]),
        ("vllm/vllm-openai:v0.8.5.post1", Subject.PACKAGE, ["==0.8.5.post1"]),
        ("vllm/vllm-openai:latest", Subject.PACKAGE, []),
        ("vllm/vllm-openai:v0.6.4-rocm", Subject.PACKAGE, []),
        ("lmsysorg/sglang:v0.5.12-cu130", Subject.PACKAGE, ["==0.5.12"]),
        ("nvcr.io/nvidia/pytorch:24.01-py3", Subject.PACKAGE, []),
        ("nvidia/cuda:99.0.0-devel-ubuntu22.04", Subject.CUDA, ["99.0.0"]),
    ],
)
def test_dockerfile_image_gives_what_its_tag_names(
    image: str, subject: Subject, expected: list[str]
) -> None:
    assert values(read("Dockerfile", f"FROM {image}\n"), subject) == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("pytorch/pytorch:2.7.1-cuda12.8-cudnn9-devel", "+cu128 ==2.7.1"),
        ("pytorch/pytorch:2.4.0-cuda12.1-cudnn9-runtime", "+cu121 ==2.4.0"),
        ("pytorch/pytorch:2.4.0-cuda99.9-cudnn9-runtime", "==2.4.0"),
    ],
)
def test_dockerfile_image_of_pytorch_gives_its_build(image: str, expected: str) -> None:
    reading = read("Dockerfile", f"FROM {image}\nRUN pip install torch\n")
    assert packages(reading) == {"torch": expected}
    assert reasons(reading) == {image: "its system, Python and CUDA toolkit"}


HEREDOCS = """\
# syntax=docker/dockerfile:1
FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04
COPY --from=ghcr.io/astral-sh/uv:0.9.5 /uv /bin/
COPY <<'INI' /etc/pip.conf
RUN pip install not-a-command
INI
RUN --mount=type=cache,target=/cache/uv <<EOF
set -e
uv venv --python 3.12 /venv
uv pip install torch==2.9.1 \\
  --index-url https://download.pytorch.org/whl/cu130
EOF
RUN <<-"ONE" bash -ex
\tapt-get update
\tapt-get install -y git
\tONE
RUN cat <<A > /a && cat <<B > /b
pip install of-a
A
pip install of-b
B
RUN python3 <<EOF
pip install of-python
EOF
RUN pip install numpy
USER 1000
CMD ["vllm", "serve"]
"""


def test_dockerfile_heredocs_of_shells_are_commands() -> None:
    reading = read("Dockerfile", HEREDOCS)
    assert packages(reading) == {"torch": "+cu130 ==2.9.1", "numpy": "*"}
    assert values(reading, Subject.PYTHON) == ["==3.12.*"]
    assert values(reading, Subject.SYSTEM_PACKAGE) == ["git"]
    torch = next(s for s in reading.statements if s.name == "torch")
    assert torch.span.line == HEREDOCS[: HEREDOCS.index("torch")].count("\n") + 1
    assert reasons(reading) == {
        "USER 1000": "write it as a `[user.NAME]`",
        'CMD ["vllm", "serve"]': "write it as `command` of a `[service.program.NAME]`",
    }


def test_dockerfile_heredoc_without_end_is_a_command() -> None:
    reading = read("Dockerfile", "FROM ubuntu:22.04\nRUN echo $((1<<N))\nRUN pip install numpy\n")
    assert packages(reading) == {"numpy": "*"}


@pytest.mark.parametrize(
    ("command", "subject", "expected"),
    [
        ("dnf -y install git-lfs", Subject.SYSTEM_PACKAGE, ["git-lfs"]),
        ("microdnf install --setopt=a=b vim", Subject.SYSTEM_PACKAGE, ["vim"]),
        ("uv python install 3.13", Subject.PYTHON, ["==3.13.*"]),
        ("uv python install --reinstall cpython-3.12.4", Subject.PYTHON, ["==3.12.*"]),
        ("/bin/uv venv /v -p 3.11", Subject.PYTHON, ["==3.11.*"]),
        ("uv venv /v --python=3.11", Subject.PYTHON, ["==3.11.*"]),
        ("uv venv /v", Subject.PYTHON, []),
    ],
)
def test_dockerfile_command_gives_what_it_installs(
    command: str, subject: Subject, expected: list[str]
) -> None:
    reading = read("Dockerfile", f"FROM scratch\nRUN {command}\n")
    assert values(reading, subject) == expected
    assert reasons(reading) == {}


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("uv sync --frozen --no-dev", "uv sync --frozen --no-dev"),
        ("poetry install", "poetry install"),
        ("apk add git", "apk add git"),
        ("npm ci", "npm ci"),
        ("git clone https://example.org/a && cd a", "git clone https://example.org/a"),
        ("python3 setup.py install", "python3 setup.py install"),
        ("curl -LsSf https://example.org/i.sh | sh", "curl -LsSf https://example.org/i.sh"),
        ("uv tool install ruff", "uv tool install ruff"),
        ("uv python install pypy3.11", "pypy3.11"),
    ],
)
def test_dockerfile_command_that_a_rig_cannot_have_is_named(command: str, shown: str) -> None:
    reading = read("Dockerfile", f"FROM scratch\nRUN cd / && {command}\n")
    assert list(reasons(reading)) == [shown]
    assert reading.statements == ()


HEAD = "FROM ubuntu:24.04\nARG FLASH=false\nARG TARGETPLATFORM TARGETARCH\nARG MIRROR\n"


@pytest.mark.parametrize(
    ("test", "imported"),
    [
        ('if [ "${FLASH}" == "true" ]; then COMMAND; fi', False),
        ('if [ "${FLASH}" != "true" ]; then COMMAND; fi', True),
        ("if [[ $FLASH == tr* ]]; then COMMAND; fi", True),
        ('if [ "$FLASH" = true ]; then echo; else COMMAND; fi', True),
        ('if [ "$FLASH" = false ]; then echo; else COMMAND; fi', False),
        ('if [ "$FLASH" = x ]; then echo; elif [ -n "$FLASH" ]; then COMMAND; fi', True),
        ('if [ -z "$FLASH" ]; then COMMAND; fi', False),
        ('[ "$FLASH" = true ] && COMMAND', False),
        ('[ "$FLASH" = true ] || COMMAND', True),
        ('if [ "$UNKNOWN" = true ]; then COMMAND; fi', True),
        ('if [ "$(uname -m)" = x86_64 ]; then COMMAND; fi', True),
        ('if [ "$TARGETPLATFORM" = "linux/arm64" ]; then COMMAND; fi', False),
        ('if [ "$TARGETARCH" = amd64 ]; then COMMAND; fi', True),
        ("if [ ! -z ${MIRROR} ] ; then COMMAND; else echo; fi", False),
        ("if [ ! -z ${MIRROR} ] ; then echo; else COMMAND; fi", True),
    ],
)
def test_dockerfile_command_is_imported_unless_its_condition_is_false(
    test: str, imported: bool
) -> None:
    command = test.replace("COMMAND", "pip install flash-attn")
    reading = read("Dockerfile", f"{HEAD}RUN {command}\n")
    assert packages(reading) == ({"flash-attn": "*"} if imported else {})
    assert bool(reading.omissions) is not imported


@pytest.mark.parametrize(
    "command",
    [
        "python3.10 -m pip install numpy",
        "/usr/bin/python3.10 -m venv /opt/venv",
        "pip3.10 install numpy",
        "uv venv --python python3.10",
        "uv venv --python python${PY} && uv pip install '.[all]'",
    ],
)
def test_dockerfile_command_of_a_python_gives_its_version(command: str) -> None:
    reading = read("Dockerfile", f"FROM ubuntu:22.04\nARG PY=3.10\nRUN {command}\n")
    assert values(reading, Subject.PYTHON) == ["==3.10.*"]
    expected = {".[all]": "installed from a folder or file"} if ".[" in command else {}
    assert reasons(reading) == expected


def test_dockerfile_variables_that_it_does_not_use_are_named() -> None:
    text = "ENV DEBIAN_FRONTEND=noninteractive HF_HOME=/data PATH=/opt/bin:$PATH\nENV TZ UTC\n"
    text += "ENV TORCH 2.1.0\nRUN pip install torch==$TORCH\n"
    reading = read("Dockerfile", f"FROM ubuntu:22.04\n{text}")
    assert packages(reading) == {"torch": "==2.1.0"}
    reason = "write it in `env` of `[system]`"
    assert reasons(reading) == {"ENV HF_HOME": reason, "ENV TZ": reason}


def test_dockerfile_arguments_of_one_instruction_are_not_a_value_of_the_first() -> None:
    head = "FROM ubuntu:24.04\nARG TARGETARCH VERSION\n"
    command = (
        'RUN if [ "$TARGETARCH" = amd64 ]; then pip install numpy; fi; pip install x==$VERSION'
    )
    reading = read(
        "Dockerfile", f"{head}{command}\nARG VERSION OTHER\nRUN pip install y==$VERSION\n"
    )
    assert packages(reading) == {"numpy": "*"}
    reason = "a variable without a value"
    assert reasons(reading) == {"x==$VERSION": reason, "y==$VERSION": reason}


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("nvcr.io/nvidia/cuda-dl-base:99.05-cuda13.2-devel-ubuntu24.04", True),
        ("example/trainer:1.0-ubuntu24.04", True),
        ("ubuntu:24.04", False),
        ("mcr.microsoft.com/devcontainers/base:ubuntu-24.04", False),
    ],
)
def test_dockerfile_image_with_more_than_its_system_is_named(image: str, reason: bool) -> None:
    reading = read("Dockerfile", f"FROM {image}\n")
    assert values(reading, Subject.OS) == ["ubuntu 24.04"]
    expected = {image: "only its system: its contents are unknown"} if reason else {}
    assert reasons(reading) == expected


@pytest.mark.parametrize(
    "shell", ["bash -exu -o pipefail", "bash -euxo pipefail", "/bin/sh -e", "bash", ""]
)
def test_dockerfile_heredoc_of_a_shell_with_options_is_a_script(shell: str) -> None:
    text = f'FROM ubuntu:24.04\nRUN <<"EOF" {shell}\napt-get install -y git\nEOF\n'
    reading = read("Dockerfile", text)
    assert values(reading, Subject.SYSTEM_PACKAGE) == ["git"]
    assert reasons(reading) == {}


DIGEST = "sha256:2d913b09e6be8387e1a10976933642c73c840c0b735f0bf3c28d97fc9bc422e0"


def test_dockerfile_image_keeps_its_digest(rigspec: Rigspec, tmp_path: Path) -> None:
    base = f"nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04@{DIGEST}"
    file = tmp_path / "Dockerfile"
    file.write_text(f"FROM {base}\n", encoding="utf-8")
    spec = rigspec("import", file).stdout
    assert f'base = "{base}"' in spec
    (tmp_path / "rig.toml").write_text(spec, encoding="utf-8")
    assert rigspec("check", tmp_path / "rig.toml").returncode == 0


def test_dockerfile_digest_without_a_base_image_is_named() -> None:
    reading = read("Dockerfile", f"FROM python:3.12-slim-bookworm@{DIGEST}\n")
    assert reasons(reading) == {f"@{DIGEST}": "only the digest; write the image as `base`"}


DOUBLED = "".join(f"ENV A{n + 1}=$A{n}$A{n}\n" for n in range(60))
CHAIN = "".join(f"FROM s{n} AS s{n + 1}\nRUN pip install p{n}\n" for n in range(2000))
COPIES = "".join(
    f"FROM ubuntu:24.04 AS s{n + 1}\nCOPY --from=s{n} /opt/venv /opt/venv\nRUN pip install p{n}\n"
    for n in range(2000)
)
WORDS = f"ARG P='{' '.join(f'p{n}' for n in range(2000))}'\n" + "RUN pip install $P\n" * 500


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"ENV A0=xxxxxxxx\n{DOUBLED}RUN pip install six $A60\n", {"six"}),
        (CHAIN, {f"p{n}" for n in range(2000)}),
        (COPIES, {f"p{n}" for n in range(1979, 2000)}),
        (WORDS, {f"p{n}" for n in range(2000)}),
    ],
)
def test_dockerfile_that_grows_when_it_is_read_is_bounded(text: str, names: set[str]) -> None:
    start = time.process_time()
    reading = read("Dockerfile", f"FROM ubuntu:24.04 AS s0\n{text}")
    assert {s.name for s in reading.statements if s.subject is Subject.PACKAGE} == names
    assert time.process_time() - start < 10
