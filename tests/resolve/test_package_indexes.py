"""Indexes of a spec: which packages they name, and what `check` reports of them."""

from __future__ import annotations

import pytest

from rigspec.check import check_machine
from rigspec.diagnostics.model import Diagnostic
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, parse_spec
from rigspec.spec.package_sources import find_named_index, list_named_indexes
from tests.resolve.rigs import check_text

SPEC = """\
rig = 1
name = "lab"
[machine.box]
os = "ubuntu 24.04"
[env.lab]
packages = {{ tensorrt = "*" }}
{more}
"""
OWN = '[index.own]\nurl = "https://example.org/simple"\n'


def list_reports(more: str) -> list[Diagnostic]:
    spec = parse_spec("rig.toml", SPEC.format(more=more))
    report = check_machine(spec, "box", load_required_matrix(spec.rig, "box"))
    return [each for each in report.diagnostics if "index" in each.message]


@pytest.mark.parametrize(
    ("package", "found"),
    [
        ("tensorrt", True),
        ("TensorRT_cu13.libs", True),
        ("tensor", False),
        ("my-wheels", True),
        ("my.wheels", True),
        ("my-wheels-more", False),
    ],
)
def test_find_named_index_compares_canonical_names(package: str, found: bool) -> None:
    text = SPEC.format(more=OWN + 'packages = ["TensorRT*", "My_Wheels"]')
    indexes = list_named_indexes(parse_spec("rig.toml", text).rig)
    assert (find_named_index(indexes, package) is not None) is found


def test_check_of_named_index_reports_nothing() -> None:
    assert list_reports(OWN + 'packages = ["tensorrt*"]') == []


def test_check_of_index_without_use_warns_with_repair() -> None:
    (warning,) = list_reports(OWN)
    assert warning.code == "RS254"
    assert warning.help == ('add the packages that it has to `[index.own]`: `packages = ["…"]`',)


def test_check_of_index_over_plain_http_warns_unless_it_is_on_loopback() -> None:
    named = 'packages = ["tensorrt*"]'
    (warning,) = list_reports(OWN.replace("https", "http") + named)
    assert warning.code == "RS401"
    assert warning.help == ('set `url` to "https://example.org/simple"',)
    assert list_reports('[index.own]\nurl = "http://127.0.0.1:80/simple"\n' + named) == []


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [("tensorrt", "TensorRT", "TensorRT"), ("tensorrt*", "tensorrt-libs", "tensorrt-libs")],
)
def test_package_of_two_indexes_is_refused(one: str, other: str, text: str) -> None:
    first = f'{OWN}packages = ["{one}"]\n'
    second = f'[index.other]\nurl = "https://example.org"\npackages = ["numpy", "{other}"]\n'
    with pytest.raises(InvalidSpec) as caught:
        parse_spec("rig.toml", SPEC.format(more=first + second))
    (error,) = caught.value.diagnostics
    assert error.code == "RS003"
    assert error.message.startswith(f"`{text}` is a package of two indexes, `own` and `other`")


@pytest.mark.parametrize("pattern", ["*", "t*", "tensor*rt", "-t", "tensorrt>=10", ""])
def test_pattern_that_names_no_package_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse_spec("rig.toml", SPEC.format(more=f'{OWN}packages = ["{pattern}"]'))
    assert {each.code for each in caught.value.diagnostics} == {"RS003"}


OWN_WHEELS = """\
rig = 1
name = "lab"
[machine.box]
os = "ubuntu 24.04"
gpus = ["RTX 5090"]
[env.lab]
python = "3.12"
packages = {{ {package} = "{version}" }}
[index.own]
url = "https://example.org/simple"
packages = ["{named}"]
"""


@pytest.mark.parametrize("version", ["0.3.16", "0.3", "*"])
def test_package_of_named_index_is_not_reported_as_compiled(version: str) -> None:
    text = OWN_WHEELS.format(package="llama-cpp-python", version=version, named="llama-cpp-python")
    report = check_text(text)
    assert "RS256" not in {each.code for each in report.diagnostics}
    other = check_text(text.replace('packages = ["llama', 'packages = ["other'))
    assert "RS256" in {each.code for each in other.diagnostics}


@pytest.mark.parametrize(
    ("package", "named"), [("flash-attn", "flash*"), ("openrlhf", "flash-attn")]
)
def test_package_of_named_index_needs_no_toolkit(package: str, named: str) -> None:
    text = OWN_WHEELS.format(package=package, version="*", named=named)
    codes = {each.code for each in check_text(text).diagnostics}
    assert "RS507" not in codes
    other = check_text(text.replace(f'packages = ["{named}"]', 'packages = ["other"]'))
    assert "RS507" in {each.code for each in other.diagnostics}


@pytest.mark.parametrize(
    ("version", "shown"), [("0.3.16", ["0.3.16"]), ("==0.3.16", ["0.3.16"]), ("0.9", [])]
)
def test_shown_version_of_a_package_is_one_that_exists(version: str, shown: list[str]) -> None:
    text = OWN_WHEELS.format(package="llama-cpp-python", version=version, named="llama-cpp-python")
    found = [each.version for each in check_text(text).packages if each.name == "llama-cpp-python"]
    assert set(found) <= set(shown)


@pytest.mark.parametrize(
    ("table", "package"),
    [("packages", "onnxruntime-gpu"), ("frameworks", "onnxruntime-gpu"), ("packages", "lmdeploy")],
)
def test_wheels_of_named_index_are_not_those_of_the_public_index(table: str, package: str) -> None:
    version = "1.23" if package == "onnxruntime-gpu" else "*"
    text = OWN_WHEELS.format(package=package, version=version, named=package)
    text = text.replace('gpus = ["RTX 5090"]', 'arch = "aarch64"\ngpus = ["L40S"]')
    text = text.replace("packages = {", f"{table} = {{", 1)
    assert "RS251" not in {each.code for each in check_text(text).diagnostics}
    other = check_text(text.replace(f'packages = ["{package}"]', 'packages = ["other"]'))
    assert "RS251" in {each.code for each in other.diagnostics}


def test_build_from_named_index_is_not_reported_as_one_of_another_index() -> None:
    text = OWN_WHEELS.format(package="torch", version="2.8+cu126", named="torch")
    text = text.replace("RTX 5090", "RTX 4090")
    assert "RS254" not in {each.code for each in check_text(text).diagnostics}
    other = check_text(text.replace('packages = ["torch"]', 'packages = ["other"]'))
    assert "RS254" in {each.code for each in other.diagnostics}
