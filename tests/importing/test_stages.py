"""Dockerfiles with several stages."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.importing.model import SourceText, Subject
from rigspec.importing.registry import read_files
from tests.importing.readings import packages, read, reasons, values

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

STAGES = """\
FROM node:22 AS web
WORKDIR /web
RUN npm ci
FROM ghcr.io/astral-sh/uv:0.9.5 AS uv
FROM nvidia/cuda:12.8.1-devel-ubuntu24.04 AS builder
ENV EXTRA=cu128 MODE=build
WORKDIR /app
RUN apt-get install -y build-essential
RUN uv venv --python 3.12
RUN uv pip install torch==2.9.1 --torch-backend=$EXTRA
RUN uv sync --frozen
USER builder
FROM nvidia/cuda:12.8.1-base-ubuntu24.04
RUN apt-get install -y curl
COPY --from=uv /uv /bin/
COPY --from=web /web/dist /srv/
"""
BUILDER = "nvidia/cuda:12.8.1-devel-ubuntu24.04 AS builder"


@pytest.mark.parametrize(
    ("copy", "imported"),
    [
        ("COPY --from=builder --chown=1:1 /app/.venv /app/.venv", True),
        ("COPY --from=builder /app /app", True),
        ("COPY --link --from=2 /app/.venv/lib/python3.12/site-packages/torch /x/", True),
        ("COPY --from=builder /usr/local/lib/python3.12/dist-packages/ /y/", True),
        ('COPY --from=builder ["/app", "/app"]', True),
        ("COPY --from=builder /build/colmap /usr/local/", False),
        ("COPY --from=builder app/tool /usr/bin/", False),
    ],
)
def test_dockerfile_environment_that_is_copied_from_a_stage_is_imported(
    copy: str, imported: bool
) -> None:
    reading = read("Dockerfile", f"{STAGES}{copy}\n")
    assert packages(reading) == ({"torch": "+cu128 ==2.9.1"} if imported else {})
    assert values(reading, Subject.PYTHON) == (["==3.12.*"] if imported else [])
    assert values(reading, Subject.SYSTEM_PACKAGE) == ["curl"]
    bases = values(reading, Subject.BASE_IMAGE)
    assert bases == ["nvidia/cuda:12.8.1-base-ubuntu24.04"]
    found = reasons(reading)
    assert found.get(BUILDER) == (None if imported else "a stage of which only files are copied")
    assert ("uv sync --frozen" in found) is imported
    assert "USER builder" not in found


def test_dockerfile_stage_that_gives_nothing_is_named() -> None:
    reason = "a stage that is not in the result"
    reading = read("Dockerfile", "FROM debian:12\nFROM ubuntu:24.04\n")
    assert reasons(reading) == {"debian:12": reason}


def test_dockerfile_stage_has_the_variables_and_folder_of_its_base(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("six==1.16.0\n", encoding="utf-8")
    text = "FROM ubuntu:24.04 AS base\nENV V=4.67.1\nARG W=1\nWORKDIR /app\nCOPY . .\n"
    text += "FROM base\nRUN pip install -r requirements.txt tqdm==$V attrs==$W\n"
    reading = read(str(tmp_path / "Dockerfile"), text)
    assert packages(reading) == {"six": "==1.16.0", "tqdm": "==4.67.1"}
    assert reasons(reading) == {"attrs==$W": "a variable without a value"}


IMAGES = """\
FROM ubuntu:24.04 AS base
RUN pip install six
FROM base AS Web_UI
RUN pip install gradio
FROM base AS server
RUN pip install fastapi
FROM server
RUN pip install pytest
"""


@pytest.mark.parametrize(
    ("stages", "expected", "named"),
    [
        ((), {"six", "fastapi", "pytest"}, {"base AS Web_UI": "--stage web_ui"}),
        (("web-ui",), {"six", "gradio"}, {}),
        (("server",), {"six", "fastapi"}, {"base AS Web_UI": "--stage web_ui"}),
    ],
)
def test_dockerfile_gives_the_stage_that_is_selected(
    stages: tuple[str, ...], expected: set[str], named: dict[str, str]
) -> None:
    (file,) = read_files([SourceText("Dockerfile", IMAGES, stages=frozenset(stages))])
    assert packages(file.reading).keys() == expected
    found = reasons(file.reading)
    assert {text: reason for text, reason in found.items() if "--stage" in reason} == {
        text: f"another image: import it with `{option}`" for text, option in named.items()
    }


def test_import_of_an_unknown_stage_names_those_that_the_file_has(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(IMAGES, encoding="utf-8")
    assert "gradio" in rigspec("import", file, "--stage", "Web_UI").stdout
    done = rigspec("import", file, "--stage", "test")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no file has the stage `test`" in done.stderr
    assert "the files have: base, server, web-ui" in done.stderr
