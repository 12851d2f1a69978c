"""Versions and cards that no table has, or several rows."""

from __future__ import annotations

import pytest
from packaging.version import Version

from rigspec.diagnostics.model import Severity
from rigspec.matrix.loader import load_matrix
from tests.resolve.rigs import check_text

FRAMEWORKS = [p.name for p in load_matrix().products if p.kind == "framework"]
SPEC = """
rig = 1
name = "box"
[machine.box]
os = "ubuntu 24.04"
gpus = ["RTX 4090"]
[cuda]
toolkit = "{toolkit}"
"""


@pytest.mark.parametrize(("toolkit", "is_newer"), [("99.1", True), ("12.7", False)])
def test_version_newer_than_its_table_may_be_in_a_newer_release(
    toolkit: str, is_newer: bool
) -> None:
    (error,) = check_text(SPEC.format(toolkit=toolkit)).diagnostics
    assert error.code == "RS214"
    advice = f"upgrade rigspec if CUDA {toolkit} was released after "
    assert any(line.startswith(advice) for line in error.help) == is_newer


def test_unknown_version_is_answered_with_the_oldest_and_the_newest_known_one() -> None:
    (error,) = check_text(SPEC.format(toolkit="99.1")).diagnostics
    releases = sorted({Version(r.version) for r in load_matrix().product("cuda").releases})
    known = f"known versions of CUDA: {releases[0]} to {releases[-1]}"
    assert any(line.startswith(known) for line in error.help), error.help


def test_unknown_version_of_framework_that_requires_gpu_is_reported_with_missing_gpu() -> None:
    machine = '[machine.box]\nos = "ubuntu 22.04"\n'
    env = '[env.lab]\nframeworks = { cupy = "<4" }\n'
    report = check_text(f'rig = 1\nname = "box"\n{machine}{env}')
    unknown, gpu = (d for d in report.diagnostics if d.severity is Severity.ERROR)
    assert unknown.message == "unknown CuPy version `<4`"
    assert gpu.message == "CuPy cannot be installed on this rig: it requires a GPU"
    assert [span.line for span in (*unknown.spans, *gpu.spans)] == [6, 6]
    assert gpu.help == ("declare the GPU with `gpus` in `[machine.NAME]`",)


@pytest.mark.parametrize("version", ["<0.0.0.1", ">9999"])
@pytest.mark.parametrize("os", ["ubuntu 22.04", "ubuntu 16.04", "rocky 9"])
@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_unknown_version_of_each_framework_gets_a_report(version: str, os: str, arch: str) -> None:
    for name in FRAMEWORKS:
        machine = f'[machine.box]\nos = "{os}"\narch = "{arch}"\n'
        env = f'[env.lab]\nframeworks = {{ {name} = "{version}" }}\n'
        report = check_text(f'rig = 1\nname = "box"\n{machine}{env}')
        assert report.status in ("ok", "conflict"), name


@pytest.mark.parametrize("version", ["==2.13.0", "2.13"])
def test_release_that_only_the_renamed_package_has_is_answered_with_its_name(version: str) -> None:
    env = f'[env.lab]\nframeworks = {{ tensorflow-gpu = "{version}" }}\n'
    report = check_text(f'rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 22.04"\n{env}')
    (error,) = (d for d in report.diagnostics if d.code == "RS214")
    assert error.help[-1].endswith(f'tensorflow has it: write `tensorflow = "{version}"`')


@pytest.mark.parametrize(
    ("cudnn", "is_known"), [("9.10.2.99", True), ("9.10", True), ("9.99.0.1", False), ("9", True)]
)
def test_unlisted_build_of_cudnn_is_that_of_its_series(cudnn: str, is_known: bool) -> None:
    report = check_text(f'{SPEC.format(toolkit="12.8")}cudnn = "{cudnn}"\n')
    found = [d.code for d in report.diagnostics if d.severity is Severity.ERROR]
    assert found == ([] if is_known else ["RS214"])


def test_card_that_was_sold_with_several_chips_is_answered_with_each() -> None:
    (error,) = check_text(SPEC.format(toolkit="*").replace("RTX 4090", "GT 730")).diagnostics
    assert error.message == "the GPU `GT 730` was sold with several chips"
    (fact,) = error.facts
    assert fact.statement == (
        "GeForce GT 730 (GF108): compute capability 2.1; "
        "GeForce GT 730 (GK208): compute capability 3.5"
    )
    assert fact.sources
