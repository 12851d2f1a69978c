"""Ways out: what is offered can be written, and what is promised of it holds for the whole spec."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from rigspec.diagnostics.model import Diagnostic, Edit, Repair, Report, Severity
from rigspec.diagnostics.render.json import serialize_repair
from rigspec.diagnostics.render.text import render_text
from rigspec.matrix.loader import load_matrix
from tests.resolve.rigs import check, errors, tower
from tests.resolve.test_combinations import apply_edit

LAB = 'python = "3.6"\nframeworks = { tensorflow = "1.8" }'


def list_errors(report: Report) -> list[Diagnostic]:
    return [d for d in report.diagnostics if d.severity is Severity.ERROR]


def apply_edits(text: str, edits: tuple[Edit, ...]) -> str:
    spec = tomlkit.parse(text)
    for edit in edits:
        apply_edit(spec, edit)
    return tomlkit.dumps(spec)


def list_complete_repairs(report: Report) -> list[Repair]:
    return [r for error in list_errors(report) for r in error.repairs if r.resolution is not None]


def build_spec(*, os: str = "ubuntu 22.04", env: str, machine: str = "") -> str:
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
    "an old TensorFlow with CUDA of the system": (
        '[machine.box]\nos = "ubuntu 18.04"\ngpus = ["RTX 2070"]\ndriver = ">=410"\n'
        '[cuda]\ntoolkit = "10.1"\ncudnn = "*"\nprovider = "debian"\n'
        '[env.lab]\npython = "3.6"\ninterpreter = "system"\nframeworks = { tensorflow = "1.13" }\n'
    ),
    "two that do not touch": tower(machine='driver = "375"', cuda='toolkit = "9.0"')
    + '[env.old]\npython = "2.7"\npip = "21.3"\ninterpreter = "pyenv"\n',
}


@pytest.mark.parametrize("name", SEVERAL)
def test_repair_with_resolution_resolves_whole_spec(name: str, tmp_path: Path) -> None:
    report = check(tmp_path, SEVERAL[name])
    promised = list_complete_repairs(report)

    assert promised
    for repair in promised:
        changed_problem = check(tmp_path, apply_edits(SEVERAL[name], repair.edits))
        assert errors(changed_problem) == []
        assert changed_problem.resolution == repair.resolution


def test_repair_of_one_error_has_only_the_edits_that_it_needs(tmp_path: Path) -> None:
    """The repair of all three errors changes TensorFlow, too, which the driver does not need."""
    report = check(tmp_path, SEVERAL["an old TensorFlow with CUDA of the system"])
    driver = list_errors(report)[0]
    assert driver.message.startswith("no source documents the NVIDIA driver packages")
    edits = [[edit.key for edit in repair.edits] for repair in driver.repairs]
    assert edits == [["machine.box.os"]]


@pytest.mark.parametrize("name", SEVERAL)
def test_first_repairs_applied_together_fix_all_errors(name: str, tmp_path: Path) -> None:
    first = [
        error.repairs[0] for error in list_errors(check(tmp_path, SEVERAL[name])) if error.repairs
    ]
    edits = tuple(dict.fromkeys(edit for repair in first for edit in repair.edits))

    assert errors(check(tmp_path, apply_edits(SEVERAL[name], edits))) == []


def test_conflicts_leave_out_compatible_lines(tmp_path: Path) -> None:
    found = list_errors(check(tmp_path, SEVERAL["RTX 3090 in a rig of CUDA 9.0"]))

    assert all("RTX 3090" in error.message for error in found)
    assert [error.message.count("and") for error in found] == [1] * len(found)
    lines = [span.line for error in found for span in error.spans[1:]]
    assert len(lines) == len(found)


def test_repair_changes_the_conflicting_lines(tmp_path: Path) -> None:
    report = check(tmp_path, SEVERAL["RTX 3090 in a rig of CUDA 9.0"])
    (joint,) = list_complete_repairs(report)

    changed = {edit.key for edit in joint.edits}
    assert {"cuda.toolkit", "cuda.cudnn", "env.lab.frameworks.tensorflow"} <= changed


def test_errors_of_unsupported_card_name_the_card(tmp_path: Path) -> None:
    rig = tower(gpu="GTX 580", cuda='toolkit = "9.0"\ncudnn = "7"', env=LAB)
    assert all("GTX 580" in error.message for error in list_errors(check(tmp_path, rig)))


def test_errors_of_unsupported_card_name_the_product(tmp_path: Path) -> None:
    """A change of the version fixes its conflict with Python, but not the one with the card."""
    rig = '[machine.box]\nos = "debian 11"\ngpus = [{ model = "GTX 580" }]\n'
    rig += '[env.lab]\ninterpreter = "conda"\npython = "2.7"\nframeworks = { jax = "0.4" }\n'
    messages = {error.message for error in list_errors(check(tmp_path, rig))}

    assert "Python 2.7 and JAX 0.4 are incompatible" in messages
    assert "GTX 580 and JAX 0.4 are incompatible" in messages


@pytest.mark.parametrize("line", ['jax = "*"', 'torch = "2.4"'])
def test_error_without_repair_has_the_reason(line: str, tmp_path: Path) -> None:
    rig = '[machine.box]\nos = "ubuntu 22.04"\ngpus = ["GTX 580"]\n'
    (error,) = list_errors(check(tmp_path, rig + f"[env.lab]\nframeworks = {{ {line} }}\n"))

    assert error.repairs == ()
    (reason,) = error.help
    assert reason.startswith("change the machine or remove a line, because no known release of ")


def test_gpu_package_on_machine_without_gpu_is_one_conflict(tmp_path: Path) -> None:
    rig = build_spec(env='interpreter = "pyenv"\npackages = { cupy-cuda90 = "4" }')
    (error,) = list_errors(check(tmp_path, rig))
    assert "cupy" in error.components


def test_repair_of_one_error_is_marked_as_partial(tmp_path: Path) -> None:
    report = check(tmp_path, SEVERAL["two that do not touch"])
    (partial, *_) = list_errors(report)[0].repairs

    assert serialize_repair(partial)["resolution"] is None
    text = render_text(report, {})
    assert "fixes this error only" in text
    assert text.count("resolves to") == 1


def test_repair_next_to_impossible_line_has_no_resolution(tmp_path: Path) -> None:
    rig = tower(cuda='toolkit = "10.0"', env=LAB + '\npip = "99"')
    report = check(tmp_path, rig)

    assert sorted(errors(report)) == ["RS201", "RS214"]
    assert list_complete_repairs(report) == []


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
def test_repair_of_package_without_releases_sets_upper_bound(
    env: str, package: str, bound: str, tmp_path: Path
) -> None:
    rig = build_spec(env=f'interpreter = "conda"\n{env}\npackages = {{ {package} }}')
    (error,) = list_errors(check(tmp_path, rig))
    name = package.split()[0]

    written = [e.after for r in error.repairs for e in r.edits if e.key.endswith(f".{name}")]
    assert written == [bound]


def test_repair_of_too_old_package_sets_lower_bound(tmp_path: Path) -> None:
    env = 'interpreter = "conda"\nframeworks = { tensorflow = "==2.10.0" }'
    rig = build_spec(env=f'{env}\npackages = {{ protobuf = "<3" }}')
    (error,) = list_errors(check(tmp_path, rig))

    written = [e.after or "" for r in error.repairs for e in r.edits if "protobuf" in e.key]
    assert written
    assert all(text.startswith(">=3.") for text in written)


@pytest.mark.parametrize(
    ("os", "python", "source"),
    [
        ("ubuntu 16.04", "3.6", "conda"),
        ("ubuntu 18.04", "3.7", "conda"),
        ("ubuntu 22.04", "3.11", "uv"),
        ("debian 12", "2.7", "conda"),
    ],
)
def test_repair_of_system_interpreter_offers_another_source(
    os: str, python: str, source: str, tmp_path: Path
) -> None:
    rig = build_spec(os=os, env=f'python = "{python}"\ninterpreter = "system"')
    error = list_errors(check(tmp_path, rig))[0]
    wanted = (Edit("env.lab.interpreter", "system", source),)
    repair = next(repair for repair in error.repairs if repair.edits == wanted)

    assert error.code == "RS213"
    changed_problem = check(tmp_path, apply_edits(rig, repair.edits))
    assert errors(changed_problem) == []
    assert changed_problem.resolution == repair.resolution


@pytest.mark.parametrize(
    ("os", "python", "source"), [("ubuntu 22.04", "3.11", "uv"), ("debian 12", "2.7", "pyenv")]
)
def test_open_interpreter_comes_from_the_first_source_with_that_python(
    os: str, python: str, source: str, tmp_path: Path
) -> None:
    report = check(tmp_path, build_spec(os=os, env=f'python = "{python}"'))

    assert errors(report) == []
    assert report.resolution is not None
    assert report.resolution.envs[0].interpreter == source


def test_open_interpreter_is_that_of_the_system_where_it_fits(tmp_path: Path) -> None:
    report = check(tmp_path, build_spec(os="ubuntu 22.04", env='python = "3.10"'))

    assert report.resolution is not None
    assert report.resolution.envs[0].interpreter == "system"


@pytest.mark.parametrize(
    ("framework", "written", "after"),
    [
        ("tensorflow", "v2.3", "2.16"),
        ("tensorflow", "V2.3.1", "2.16.1"),
        ("torch", "v1.0", "2.2"),
        ("cupy", "v12.1", "12.3"),
        ("onnxruntime", "V1.14", "1.17"),
    ],
)
def test_repair_of_version_with_leading_v_is_a_version(
    framework: str, written: str, after: str, tmp_path: Path
) -> None:
    gpu = 'gpus = [{ model = "RTX 3090" }]\n' if framework == "cupy" else ""
    env = f'[env.lab]\npython = "3.12"\ninterpreter = "system"\nframeworks.{framework} = '
    text = f'[machine.box]\nos = "ubuntu 24.04"\n{gpu}{env}"{written}"\n'
    report = check(tmp_path, text)
    edits = [
        repair.edits[0].after
        for diagnostic in report.diagnostics
        for repair in diagnostic.repairs
        if [edit.key for edit in repair.edits] == [f"env.lab.frameworks.{framework}"]
    ]
    assert edits == [after]


@pytest.mark.parametrize(
    ("package", "release"), [("vllm", "0.6.3"), ("triton", "3.1.0"), ("xformers", "0.0.28")]
)
def test_repair_of_a_package_names_a_known_release(
    package: str, release: str, tmp_path: Path
) -> None:
    """The closest release that has rules, and not one between two of them."""
    rig = '[machine.box]\ngpus = ["RTX 5090"]\n[env.lab]\nframeworks = {{ torch = "*" }}\n{}'
    line = f'packages = {{ {package} = "%s" }}'
    report = check(tmp_path, rig.format(line % release))
    (error,) = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    (edit,) = error.repairs[0].edits
    assert edit.key == f"env.lab.packages.{package}"
    again = check(tmp_path, rig.format(line % edit.after))
    assert errors(again) == []
    known = load_matrix([f"package:{package}"]).product(f"package:{package}").rules
    assert any(f"=={edit.after}" in c.alternatives for rule in known for c in rule.when)


def test_repair_that_leaves_another_error_promises_nothing(tmp_path: Path) -> None:
    text = """
[machine.box]
os = "centos 7"
[system]
packages = ["git"]
[env.lab]
python = "3.7"
interpreter = "uv"
packages = { six = "*" }
"""
    report = check(tmp_path, text)
    (error,) = [d for d in report.diagnostics if d.code == "RS207"]
    assert error.repairs
    assert [repair.resolution for repair in error.repairs] == [None] * len(error.repairs)
    # Without packages of the system, the same edit leaves no error.
    report = check(tmp_path, text.replace('packages = ["git"]', "packages = []"))
    (error,) = [d for d in report.diagnostics if d.code == "RS207"]
    assert any(repair.resolution is not None for repair in error.repairs)


def test_repair_of_a_compiler_is_a_release_and_no_bound(tmp_path: Path) -> None:
    machine = '[machine.box]\nos = "ubuntu 16.04"\ngpus = ["TITAN Xp"]\ngcc = "7"\n'
    (error,) = list_errors(check(tmp_path, f'{machine}[cuda]\ntoolkit = "9.1"\n'))
    assert [[edit.after for edit in repair.edits] for repair in error.repairs] == [["9.2"], ["6"]]


@pytest.mark.parametrize(
    ("request_", "bound"), [("9.20", "<9.20"), ("==9.20.0.48", "<9.20.0.48"), (">=9.20", "<9.20")]
)
def test_repair_of_versions_that_rules_exclude_is_a_bound(
    request_: str, bound: str, tmp_path: Path
) -> None:
    env = f'packages = {{ nvidia-cudnn-cu12 = "{request_}" }}'
    (error,) = list_errors(check(tmp_path, build_spec(env=env, machine='gpus = ["GTX 1080 Ti"]')))
    (repair,) = error.repairs
    assert [edit.after for edit in repair.edits] == [bound]


@pytest.mark.parametrize(
    ("card", "request_", "release"),
    [("GTX 1080 Ti", ">=13.0", "12.9.1"), ("RTX 5090", ">=12.0,<12.5", ">=12.8.0")],
)
def test_repair_of_a_range_is_open_only_towards_newer_releases(
    card: str, request_: str, release: str, tmp_path: Path
) -> None:
    machine = f'[machine.box]\nos = "ubuntu 24.04"\ngpus = ["{card}"]\n'
    (error,) = list_errors(check(tmp_path, f'{machine}[cuda]\ntoolkit = "{request_}"\n'))
    assert [[edit.after for edit in repair.edits] for repair in error.repairs] == [[release]]
