"""Ways out: what is offered can be written, and what is promised of it holds for the whole spec."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from rigspec.diagnostics.model import Diagnostic, Edit, Repair, Report, Severity
from rigspec.diagnostics.render.json import serialize_repair
from rigspec.diagnostics.render.text import render_text
from tests.resolve.rigs import check, errors, tower
from tests.resolve.test_combinations import make

LAB = 'python = "3.6"\nframeworks = { tensorflow = "1.8" }'


def told(report: Report) -> list[Diagnostic]:
    return [d for d in report.diagnostics if d.severity is Severity.ERROR]


def made(text: str, edits: tuple[Edit, ...]) -> str:
    spec = tomlkit.parse(text)
    for edit in edits:
        make(spec, edit)
    return tomlkit.dumps(spec)


def wholes(report: Report) -> list[Repair]:
    return [r for error in told(report) for r in error.repairs if r.resolution is not None]


def alone(*, os: str = "ubuntu 22.04", env: str, machine: str = "") -> str:
    return f'[machine.box]\nos = "{os}"\n{machine}\n[env.lab]\n{env}\n'


# --- several conflicts at once -----------------------------------------------------------------

NEWER_CARDS = ("RTX 3090", "RTX 2080", "H100 PCIe")
SEVERAL = {
    **{
        f"{card} in a rig of CUDA 9.0": tower(
            gpu=card, cuda='toolkit = "9.0"\ncudnn = "7"', env=LAB
        ).replace("pyenv", "conda")
        for card in NEWER_CARDS
    },
    "a Tesla K80, torch 2.8 and a Python that the system lacks": (
        '[machine.tower]\nos = "ubuntu 20.04"\ngpus = [{ model = "Tesla K80" }]\n'
        '[env.lab]\npython = "3.9"\ninterpreter = "system"\nframeworks = { torch = "2.8" }\n'
    ),
    "two that do not touch": tower(machine='driver = "375"', cuda='toolkit = "9.0"')
    + '[env.old]\npython = "2.7"\npip = "21.3"\ninterpreter = "pyenv"\n',
}


@pytest.mark.parametrize("name", SEVERAL)
def test_a_resolution_is_promised_only_of_what_resolves_the_whole_spec(
    name: str, tmp_path: Path
) -> None:
    report = check(tmp_path, SEVERAL[name])
    promised = wholes(report)

    assert promised
    for repair in promised:
        changed_problem = check(tmp_path, made(SEVERAL[name], repair.edits))
        assert errors(changed_problem) == []
        assert changed_problem.resolution == repair.resolution


@pytest.mark.parametrize("name", SEVERAL)
def test_what_each_error_offers_first_mends_all_of_them_together(name: str, tmp_path: Path) -> None:
    first = [error.repairs[0] for error in told(check(tmp_path, SEVERAL[name])) if error.repairs]
    edits = tuple(dict.fromkeys(edit for repair in first for edit in repair.edits))

    assert errors(check(tmp_path, made(SEVERAL[name], edits))) == []


def test_lines_that_go_together_are_in_no_conflict(tmp_path: Path) -> None:
    found = told(check(tmp_path, SEVERAL["RTX 3090 in a rig of CUDA 9.0"]))

    assert all("RTX 3090" in error.message for error in found)
    assert [error.message.count("and") for error in found] == [1] * len(found)
    lines = [span.line for error in found for span in error.spans[1:]]
    assert len(lines) == len(found)


def test_the_line_at_fault_is_offered_for_change(tmp_path: Path) -> None:
    report = check(tmp_path, SEVERAL["RTX 3090 in a rig of CUDA 9.0"])
    (joint,) = wholes(report)

    changed = {edit.key for edit in joint.edits}
    assert {"cuda.toolkit", "cuda.cudnn", "env.lab.frameworks.tensorflow"} <= changed


def test_a_card_that_no_release_serves_has_its_errors_told_of_it(tmp_path: Path) -> None:
    rig = tower(gpu="GTX 580", cuda='toolkit = "9.0"\ncudnn = "7"', env=LAB)
    assert all("GTX 580" in error.message for error in told(check(tmp_path, rig)))


def test_a_product_that_no_release_saves_is_named_beside_the_card(tmp_path: Path) -> None:
    """Its line has a conflict of its own, which changing the version mends; this one it cannot."""
    rig = '[machine.box]\nos = "debian 11"\ngpus = [{ model = "GTX 580" }]\n'
    rig += '[env.lab]\ninterpreter = "conda"\npython = "2.7"\nframeworks = { jax = "0.4" }\n'
    messages = {error.message for error in told(check(tmp_path, rig))}

    assert "Python 2.7 and JAX 0.4 are incompatible" in messages
    assert "GTX 580 and JAX 0.4 are incompatible" in messages


def test_a_product_for_gpus_on_a_machine_without_one_is_one_conflict(tmp_path: Path) -> None:
    rig = alone(env='interpreter = "pyenv"\npackages = { cupy-cuda90 = "4" }')
    (error,) = told(check(tmp_path, rig))
    assert "cupy" in error.components


def test_a_repair_of_one_error_says_that_the_others_stand(tmp_path: Path) -> None:
    report = check(tmp_path, SEVERAL["two that do not touch"])
    (partial, *_) = told(report)[0].repairs

    assert serialize_repair(partial)["resolution"] is None
    text = render_text(report, {})
    assert "fixes this error only" in text
    assert text.count("resolves to") == 1


def test_nothing_is_promised_beside_a_line_that_no_release_satisfies(tmp_path: Path) -> None:
    rig = tower(cuda='toolkit = "10.0"', env=LAB + '\npip = "99"')
    report = check(tmp_path, rig)

    assert sorted(errors(report)) == ["RS201", "RS214"]
    assert wholes(report) == []


# --- what is written ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "package", "bound"),
    [
        ('python = "3.10"\nframeworks = { torch = "2.1" }', 'numpy = ">=2"', "<2"),
        ('python = "3.10"\nframeworks = { torch = "2.1" }', 'numpy = "2.1"', "<2"),
        ('python = "3.6"\nframeworks = { tensorflow = "1.8" }', 'protobuf = ">=4"', "<4"),
        ('python = "3.6"\nframeworks = { tensorflow = "1.8" }', 'h5py = ">=3"', "<3"),
    ],
)
def test_a_package_without_a_list_of_releases_gets_the_bound_of_the_row(
    env: str, package: str, bound: str, tmp_path: Path
) -> None:
    rig = alone(env=f'interpreter = "conda"\n{env}\npackages = {{ {package} }}')
    (error,) = told(check(tmp_path, rig))
    name = package.split()[0]

    written = [e.after for r in error.repairs for e in r.edits if e.key.endswith(f".{name}")]
    assert written == [bound]


def test_a_package_that_is_asked_for_too_old_gets_the_lower_bound(tmp_path: Path) -> None:
    env = 'interpreter = "conda"\nframeworks = { tensorflow = "==2.10.0" }'
    rig = alone(env=f'{env}\npackages = {{ protobuf = "<3" }}')
    (error,) = told(check(tmp_path, rig))

    written = [e.after or "" for r in error.repairs for e in r.edits if "protobuf" in e.key]
    assert written
    assert all(text.startswith(">=3.") for text in written)


@pytest.mark.parametrize(
    ("os", "python", "bringer"),
    [
        ("ubuntu 16.04", "3.6", "conda"),
        ("ubuntu 18.04", "3.7", "conda"),
        ("ubuntu 22.04", "3.11", "uv"),
        ("debian 12", "2.7", "conda"),
    ],
)
def test_repair_of_system_interpreter_offers_another_source(
    os: str, python: str, bringer: str, tmp_path: Path
) -> None:
    rig = alone(os=os, env=f'python = "{python}"\ninterpreter = "system"')
    error = told(check(tmp_path, rig))[0]
    wanted = (Edit("env.lab.interpreter", "system", bringer),)
    repair = next(repair for repair in error.repairs if repair.edits == wanted)

    assert error.code == "RS213"
    changed_problem = check(tmp_path, made(rig, repair.edits))
    assert errors(changed_problem) == []
    assert changed_problem.resolution == repair.resolution


@pytest.mark.parametrize(
    ("os", "python", "source"), [("ubuntu 22.04", "3.11", "uv"), ("debian 12", "2.7", "pyenv")]
)
def test_open_interpreter_comes_from_the_first_source_with_that_python(
    os: str, python: str, source: str, tmp_path: Path
) -> None:
    report = check(tmp_path, alone(os=os, env=f'python = "{python}"'))

    assert errors(report) == []
    assert report.resolution is not None
    assert report.resolution.envs[0].interpreter == source


def test_open_interpreter_is_that_of_the_system_where_it_fits(tmp_path: Path) -> None:
    report = check(tmp_path, alone(os="ubuntu 22.04", env='python = "3.10"'))

    assert report.resolution is not None
    assert report.resolution.envs[0].interpreter == "system"
