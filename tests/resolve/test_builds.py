"""Builds of frameworks: the one that runs on the declared GPU with the declared driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli

from rigspec.diagnostics.model import Report, Severity
from rigspec.lock.create import create_lock
from rigspec.lock.errors import LockError
from rigspec.spec.loader import parse_spec
from tests.resolve.rigs import check, errors

TABLE: dict[str, Any] = tomli.loads(Path(__file__).with_name("builds.toml").read_text("utf-8"))


def rig(gpu: str = "Tesla K80", driver: str = "470", torch: str = '"2.7.1"') -> str:
    return (
        f'[machine.box]\nos = "ubuntu 22.04"\ndriver = "{driver}"\ngpus = ["{gpu}"]\n'
        f"[env.lab]\npython = 3.10\nframeworks = {{ torch = {torch} }}\n"
    )


def outcome(report: Report) -> str:
    if report.resolution is not None:
        return report.resolution.envs[0].frameworks[0].version
    return "driver" if "RS206" in errors(report) else "none"


@pytest.mark.parametrize("row", TABLE["row"], ids=lambda row: f"{row['gpu']}, {row['driver']}")
def test_free_build_runs_on_gpu_with_driver(row: dict[str, Any], tmp_path: Path) -> None:
    found = [
        outcome(check(tmp_path, rig(row["gpu"], row["driver"], f'"{version}"')))
        for version in TABLE["versions"]
    ]

    assert found == row["builds"]


@pytest.mark.parametrize(
    "torch", ['"2.7.1+cu118"', '"==2.7.1+cu118"', '{ version = "2.7.1", build = "cu118" }', "2.7"]
)
def test_build_can_be_named_in_every_notation(torch: str, tmp_path: Path) -> None:
    assert outcome(check(tmp_path, rig(torch=torch))) == "2.7.1+cu118"


@pytest.mark.parametrize(
    ("gpu", "torch", "build"),
    [("GB200", "2.8.0", "2.8.0+cu129"), ("GH200", "2.8.0", "2.8.0+cu129"), ("GH200", "2.7.1", "")],
)
def test_build_for_aarch64_is_that_of_its_index(
    gpu: str, torch: str, build: str, tmp_path: Path
) -> None:
    machine = f'[machine.box]\narch = "aarch64"\ngpus = ["{gpu}"]\n'
    report = check(tmp_path, f'{machine}[env.lab]\nframeworks = {{ torch = "{torch}" }}\n')

    found = report.resolution.envs[0].frameworks[0].version if report.resolution else ""
    assert found == build


def test_named_build_that_does_not_run_is_a_conflict(tmp_path: Path) -> None:
    assert errors(check(tmp_path, rig("RTX 5090", "580", '"2.7.1+cu126"'))) != []
    assert errors(check(tmp_path, rig("RTX 5090", "580", '"2.7.1+cu128"'))) == []


def test_build_of_another_index_is_noted_with_its_command(tmp_path: Path) -> None:
    report = check(tmp_path, rig() + 'packages = { torchvision = "*" }\n')

    (note,) = [d for d in report.diagnostics if d.code == "RS254"]
    assert note.help == (
        "install it with `pip install torch==2.7.1+cu118 torchvision==0.22.1 "
        "--index-url https://download.pytorch.org/whl/cu118`",
    )


@pytest.mark.parametrize(
    "torchvision",
    [
        '{ version = "0.19.1", build = "cu121" }',
        '{ version = "0.19", build = "cu121" }',
        '"0.19.1+cu121"',
        '"+cu121"',
    ],
)
def test_build_of_a_package_fits_its_framework(torchvision: str, tmp_path: Path) -> None:
    text = rig("RTX 3090", "550", '"2.4.1"') + f"packages = {{ torchvision = {torchvision} }}\n"
    assert outcome(check(tmp_path, text)) == "2.4.1"
    assert errors(check(tmp_path, text.replace("cu121", "cu130"))) == ["RS217"]


def test_lock_refuses_a_build_of_another_index(tmp_path: Path) -> None:
    report = check(tmp_path, rig())
    assert report.resolution is not None
    spec = parse_spec("rig.toml", f'rig = 1\nname = "box"\n{rig()}')

    with pytest.raises(LockError, match=r".*"):
        create_lock(spec.rig, [report.resolution])


def test_nightly_follows_the_rules_of_its_series_and_is_noted(tmp_path: Path) -> None:
    nightly = '"2.10.0.dev20251024+cu130"'
    report = check(tmp_path, rig("RTX 5090", "580", nightly))
    assert outcome(report) == "2.10.0.dev20251024+cu130"
    assert "RS252" in {d.code for d in report.diagnostics}
    assert errors(check(tmp_path, rig("GTX 1080 Ti", "580", nightly))) != []


@pytest.mark.parametrize(
    ("line", "component"),
    [
        ('os = "ubuntu 22.04.3"', "os"),
        ('os = "Ubuntu 22.04.3 LTS"', "os"),
    ],
)
def test_point_release_is_read_as_its_series(line: str, component: str, tmp_path: Path) -> None:
    report = check(tmp_path, f"[machine.box]\n{line}\n")
    assert report.resolution is not None
    assert getattr(report.resolution, component) == "ubuntu 22.04"


def test_os_without_a_line_is_the_newest_that_fits(tmp_path: Path) -> None:
    report = check(tmp_path, '[machine.box]\ngpus = ["RTX 3090"]\n')
    assert report.resolution is not None
    assert report.resolution.os.startswith("ubuntu ")


@pytest.mark.parametrize(
    "line",
    [
        'packages = { onnxruntime-gpu = "==1.8.1" }',  # older than what the index lists
        'frameworks = { torch = "==2.99.0" }',  # newer
        'frameworks = { cupy = "==0.9.9" }',
    ],
)
def test_release_that_no_table_lists_is_not_checked(line: str, tmp_path: Path) -> None:
    report = check(tmp_path, f'[machine.box]\ngpus = ["RTX 3090"]\n[env.lab]\n{line}\n')
    assert errors(report) == []
    version = line.rpartition("==")[2].partition('"')[0]
    (note,) = [d for d in report.diagnostics if d.code == "RS252"]
    assert note.message.endswith(f" {version}")


@pytest.mark.parametrize("line", ['torch = "==2.2.9"', 'tensorflow = "==2.4.9"'])
def test_release_that_the_index_does_not_have_is_refused_with_its_list(
    line: str, tmp_path: Path
) -> None:
    report = check(tmp_path, f"[machine.box]\n[env.lab]\nframeworks = {{ {line} }}\n")
    assert errors(report) == ["RS214"]
    (fact,) = report.diagnostics[0].facts
    assert fact.statement.startswith("the package index has no ")
    assert [source.url for source in fact.sources] == [f"pkg:pypi/{line.partition(' ')[0]}"]


def test_everything_that_no_rule_can_contradict_is_one_note(tmp_path: Path) -> None:
    names = [f"package-{letter}" for letter in "abcdefgh"]
    packages = ", ".join(f'{name} = "*"' for name in names)
    text = f"""
[machine.box]
os = "gentoo"
gpus = ["RTX 3090"]
[container]
base = "example.org/own:1"
[env.lab]
frameworks = {{ jax = "==0.99.0" }}
packages = {{ {packages}, vllm = "==0.0.1", torchvision = "==0.15.2" }}
"""
    notes = [d for d in check(tmp_path, text).diagnostics if d.code == "RS252"]
    (note,) = [d for d in notes if "has no rules" in d.message]
    for name in [*names, "gentoo", "example.org/own:1", "jax 0.99.0", "vllm 0.0.1"]:
        assert name in note.message
    assert "torchvision" not in note.message


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('gcc = "99"', "GCC 99"),
        ('gcc = "0.1"', "GCC 0.1"),
        ('gcc = ">=99"', "GCC >=99"),
        ('gcc = "13.2"', None),
        ('gcc = ">=12"', None),
        ('docker = { version = "0.1", from = "none" }', "Docker 0.1"),
        ('docker = { from = "none" }', None),
        ('docker = ">=99"', "Docker >=99"),
        ('docker = "99.1.0"', "Docker 99.1.0"),
        ('docker = ">=27"', None),
        ('gpus = [{ model = "X", compute_capability = "99.0" }]', "compute capability 99.0"),
        ('gpus = [{ model = "X", compute_capability = "8.6" }]', None),
        ('[env.lab]\npython = "3.11"\npackages = { numpy = "99" }', "numpy 99"),
    ],
)
def test_version_without_known_release_is_named_as_not_checked(
    lines: str, expected: str | None, tmp_path: Path
) -> None:
    report = check(tmp_path, f'[machine.box]\nos = "ubuntu 24.04"\n{lines}\n')
    prefix = "not checked, because the matrix has no rules: "
    notes = [d.message.removeprefix(prefix) for d in report.diagnostics if d.code == "RS252"]
    assert notes == ([expected] if expected is not None else [])


_JAX = (
    '[machine.box]\nos = "ubuntu 22.04"\narch = "{arch}"\n'
    '[env.lab]\nframeworks = {{ jax = "{jax}" }}\n'
)


@pytest.mark.parametrize(
    ("jax", "chosen"),
    [
        ("*", ""),
        ("0.4", "0.4.38"),
        ("0.4.13", "0.4.13"),
        ("0.3", "0.3.25+cpu"),
        ("0.4.16", "0.4.16+cpu"),
    ],
)
def test_jax_for_cpu_whose_jaxlib_left_the_index_is_warned_of(
    jax: str, chosen: str, tmp_path: Path
) -> None:
    report = check(tmp_path, _JAX.format(arch="x86_64", jax=jax))

    assert report.resolution is not None
    version = outcome(report)
    assert version == chosen or (not chosen and "+" not in version)
    codes = {each.code for each in report.diagnostics}
    assert ("RS532" in codes) is version.endswith("+cpu")


def test_warning_of_unlockable_build_names_the_index_to_set(tmp_path: Path) -> None:
    text = _JAX.format(arch="x86_64", jax="0.3.25")
    (warning,) = [d for d in check(tmp_path, text).diagnostics if d.code == "RS532"]

    assert warning.severity is Severity.WARNING
    assert warning.message.startswith("jaxlib 0.3.25 cannot be locked")
    assert '`[index."cpu"]`' in warning.help[0]
    # The spec that has it is left alone.
    text += '[index.cpu]\nurl = "https://packages.example.org/simple"\n'
    assert {"RS254", "RS532"}.isdisjoint(d.code for d in check(tmp_path, text).diagnostics)


@pytest.mark.parametrize(
    ("jax", "found"), [("0.4.18", []), ("0.4.17", ["RS251"]), ("0.4.13", ["RS251"])]
)
def test_jax_for_cpu_of_aarch64_starts_with_its_first_wheels(
    jax: str, found: list[str], tmp_path: Path
) -> None:
    assert errors(check(tmp_path, _JAX.format(arch="aarch64", jax=jax))) == found
