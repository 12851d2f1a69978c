"""Why this version: the lines and facts that stopped the next newer one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from rigspec.diagnostics.model import Diagnostic
from rigspec.resolve.explain.phrasing import add_article
from rigspec.resolve.explain.why import explain_component
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
SPEC = "specs/dl-server.toml"


def test_why_names_line_of_spec(rigspec: Rigspec) -> None:
    done = rigspec("why", SPEC, "cuda")
    assert done.returncode == 0
    assert "CUDA 9.0.176, because the spec does not allow 9.1.85" in done.stdout
    assert "requests CUDA 9.0" in done.stdout


@pytest.mark.parametrize(
    ("component", "exclusion", "reason"),
    [
        (
            "driver",
            "a fact excludes 465.24.02",
            "the newest in NVIDIA's repository for Ubuntu 16.04",
        ),
        ("keras", "a fact excludes 2.3.0", "Keras 2.3 is made for TensorFlow 1.13 to 2.0"),
    ],
)
def test_why_names_fact_that_excludes_newer_version(
    component: str, exclusion: str, reason: str, rigspec: Rigspec
) -> None:
    done = rigspec("why", SPEC, component)
    assert f"because {exclusion}" in done.stdout
    assert reason in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("component", "newer", "line"),
    [
        ("tensorflow", "1.9.0", "requests tensorflow 1.8"),
        ("cudnn", "8.0.0.180", "requests cuDNN 7"),
    ],
)
def test_why_names_line_that_excludes_newer_version(
    component: str, newer: str, line: str, rigspec: Rigspec
) -> None:
    done = rigspec("why", SPEC, component)
    assert f"because the spec does not allow {newer}" in done.stdout
    assert line in done.stdout


def explain(text: str, name: str) -> Diagnostic:
    spec = parse_spec("rig.toml", f'rig = 1\nname = "box"\n[machine.box]\n{text}')
    (note,) = explain_component(spec, "box", load_required_matrix(spec.rig, "box"), name)
    return note


def test_why_of_a_version_that_a_line_fixes_names_the_line() -> None:
    text = 'os = "ubuntu 18.04"\n[env.lab]\ninterpreter = "pyenv"\npython = "2.7"\n'
    note = explain(text, "python")
    assert note.message.endswith("because the spec does not allow 3.4")
    assert [span.label for span in note.spans] == ["requests Python 2.7"]
    assert (note.facts, note.help) == ((), ())


def test_why_names_the_choice_that_came_first() -> None:
    text = 'os = "ubuntu 22.04"\ngpus = ["RTX 4090"]\n[env.lab]\ninterpreter = "uv"\n'
    note = explain(f'{text}frameworks = {{ tensorflow = "2.12" }}\n', "python")
    assert note.message.endswith("because a fact excludes 3.12")
    assert note.help == ("chosen first, at the newest possible version: tensorflow 2.12.1",)


def test_why_of_a_release_with_builds_explains_all_of_its_builds() -> None:
    """A build for the CPU would not use the GPU; those with CUDA need a newer Python."""
    text = 'os = "ubuntu 22.04"\ngpus = ["RTX 4090"]\n[env.lab]\ninterpreter = "system"\n'
    note = explain(f'{text}frameworks = {{ torch = "*" }}\n', "torch")
    statements = " ".join(fact.statement for fact in note.facts)
    assert "2.15.0" in note.message
    assert "has wheels for Python 3.11" in statements, statements


def test_why_of_the_newest_version_says_so() -> None:
    text = 'os = "ubuntu 22.04"\ngpus = ["RTX 4090"]\n[env.lab]\nframeworks = { torch = "*" }\n'
    assert explain(text, "driver").message.endswith("is the newest known version")
    assert explain(text, "gpu").message == "GPU: the one that the spec names"


def test_why_names_component_chosen_before(rigspec: Rigspec) -> None:
    done = rigspec("why", SPEC, "fastai/pip")
    assert "pip 22 and newer require Python 3.7 or newer" in done.stdout
    assert "chosen first, at the newest possible version: Python 3.6.5" in done.stdout


def test_why_json_has_code_and_source(rigspec: Rigspec) -> None:
    (result,) = json.loads(rigspec("why", SPEC, "pip", "--format", "json").stdout)["results"]
    (note,) = result["diagnostics"]
    assert note["code"] == "RS240"
    assert note["facts"][0]["source"]["url"]


def test_why_unknown_component_suggests_the_nearest(rigspec: Rigspec) -> None:
    done = rigspec("why", SPEC, "pythn")
    assert done.returncode == 2
    assert "did you mean `python`?" in done.stderr


@pytest.mark.parametrize("part", ["psu", "power"])
def test_why_hardware_part_has_no_version(part: str, rigspec: Rigspec) -> None:
    done = rigspec("why", SPEC, part)
    assert done.returncode == 2
    assert f"`{part}` is hardware" in done.stderr
    assert "did you mean" not in done.stderr


def test_why_of_conflicting_rig_prints_the_conflict(rigspec: Rigspec) -> None:
    done = rigspec("why", "specs/dl-server-as-written.toml", "cuda")
    assert done.returncode == 1
    assert "error[RS203]" in done.stderr


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RTX 5090", "an RTX 5090"),
        ("rtx 5090 mobile", "an rtx 5090 mobile"),
        ("h100", "an h100"),
        ("GTX 1080", "a GTX 1080"),
        ("gtx 1080", "a gtx 1080"),
        ("laptop", "a laptop"),
        ("radeon", "a radeon"),
        ("5090", "a 5090"),
        ("Orin", "an Orin"),
    ],
)
def test_article_of_a_card_is_the_spoken_one(name: str, expected: str) -> None:
    assert add_article(name) == expected
