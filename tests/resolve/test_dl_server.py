"""The fastai server: what its author meant, and what the article has."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from packaging.version import Version

Rigspec = Callable[..., subprocess.CompletedProcess[str]]


def result(rigspec: Rigspec, spec: str, status: int) -> dict[str, Any]:
    done = rigspec("check", spec, "--format", "json")
    assert done.returncode == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["results"][0]
    return found


def test_dl_server_resolves(rigspec: Rigspec) -> None:
    resolution = result(rigspec, "specs/dl-server.toml", 0)["resolution"]
    env = resolution["envs"]["fastai"]

    assert resolution["os"] == "ubuntu 16.04"
    assert resolution["cuda"] == "9.0.176"
    assert resolution["cudnn"].startswith("7.")
    assert resolution["cudnn_built_for"] == "9.0"
    assert Version(resolution["driver"]) >= Version("384.81")
    assert env["python"].startswith("3.6")
    assert env["pip"] == "21.3.1"
    assert env["frameworks"] == {"tensorflow": "1.8.0", "keras": "2.2.5"}
    assert env["distributions"]["tensorflow-gpu"] == "1.8.0"
    assert "protobuf<4" in env["constraints"]


def test_dl_server_cudnn_of_article_is_refused_with_repair(
    rigspec: Rigspec,
) -> None:
    found = result(rigspec, "specs/dl-server-as-written.toml", 1)
    (error,) = [d for d in found["diagnostics"] if d["severity"] == "error"]

    assert found["status"] == "conflict"
    assert error["code"] == "RS203"
    assert set(error["between"]) == {"cuda", "cudnn"}
    assert {span["label"] for span in error["spans"]} == {
        "requests CUDA 9.0",
        "this cuDNN is built for CUDA 9.1",
    }
    (fact,) = error["facts"]
    assert fact["source"]["url"].startswith("https://")
    assert fact["source"]["read"]
    (repair,) = error["repairs"]
    assert repair["edits"] == [{"key": "cuda.cudnn.built_for", "from": "9.1", "to": "9.0"}]
    assert repair["resolution"]["envs"]["fastai"]["frameworks"]["tensorflow"] == "1.8.0"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("RS307", "the package `cuda` has no version"),
        ("RS308", "`cuda-toolkit-9.0`"),
        ("RS305", "7FA2AF80 is withdrawn"),
        ("RS401", "`cudnn-9.1-linux-x64-v7.tgz` is downloaded over plain HTTP"),
        ("RS401", "`cuda-repo-ubuntu1604_9.0.176-1_amd64.deb` is downloaded over plain HTTP"),
        ("RS403", "1024-bit"),
        ("RS404", "listens on all interfaces"),
        ("RS218", "`image_dim_ordering`"),
        ("RS301", "Ubuntu 16.04"),
    ],
)
def test_dl_server_other_mistakes_of_article_are_warnings(
    rigspec: Rigspec, code: str, words: str
) -> None:
    found = result(rigspec, "specs/dl-server-as-written.toml", 1)
    warnings = [d for d in found["diagnostics"] if d["severity"] == "warning"]
    assert any(d["code"] == code and words in d["message"] for d in warnings)


def test_dl_server_output_is_independent_of_hash_seed(rigspec: Rigspec) -> None:
    output = {
        rigspec(
            *("check", "specs/dl-server-as-written.toml", "--format", "json"),
            env={"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": seed, "RIGSPEC_NO_CACHE": "1"},
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(output) == 1
    assert json.loads(output.pop())["schema"] == 1


def test_dl_server_text_matches_golden(
    rigspec: Rigspec, golden: Callable[..., None], request: pytest.FixtureRequest
) -> None:
    done = rigspec("check", "specs/dl-server-as-written.toml")
    golden(request.path.parent / "dl-server-as-written.txt", done.stderr)
