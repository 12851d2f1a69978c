"""A conflict of packages names the two requirements that exclude each other, and their lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rigspec.lock.python.conflicts import PackageConflict, RequiredPackage, find_collision
from rigspec.lock.python.engines import resolvelib, uv
from rigspec.lock.python.engines.uv_report import read_requirements
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.target_interpreter import TargetInterpreter
from tests.lock.http_server import servers
from tests.lock.python_index import Wheel, serve_index

Rigspec = Callable[..., Any]

PYTHON_312 = TargetInterpreter("3.12", (2, 39), "x86_64", "24.0")
RELEASES = {
    "arrays": {version: Wheel() for version in ("1.0", "1.5", "2.0", "2.1")},
    "accel": {"1.0": Wheel(["arrays<2"]), "1.1": Wheel(["arrays<2"])},
    "train": {"0.9": Wheel(["accel>=1.0"]), "1.0": Wheel(["accel>=1.1"])},
    "frames": {"3.0": Wheel(["arrays>=2"]), "3.1": Wheel(["arrays>=2"])},
    "plots": {"1.0": Wheel(["frames>=3"])},
    "vision": {"1.0": Wheel(["tensors==2.0"]), "1.1": Wheel(["tensors==2.1"])},
    "tensors": {version: Wheel() for version in ("1.9", "2.0", "2.1")},
    "later": {"1.0": Wheel(), "2.0": Wheel(python=">=3.14")},
    "needs-later": {"1.0": Wheel(["later>=2"])},
    "needs-absent": {"1.0": Wheel(["absent>=1"])},
    "needs-plots": {"1.0": Wheel(["plots>=2"])},
    "needs-pip": {"1.0": Wheel(["pip<20"])},
    "needs-tools": {"1.0": Wheel(["setuptools>=70"])},
    "pip": {"24.0": Wheel(), "70.0": Wheel()},
    "wheel": {"0.42.0": Wheel(), "70.0": Wheel()},
    **{tool: {"70.0": Wheel()} for tool in ("setuptools", "packaging")},
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with servers() as start:
        yield serve_index(start, RELEASES)


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_NO_CACHE", "1")


@pytest.mark.parametrize("engine", [uv, resolvelib])
@pytest.mark.parametrize(
    ("requirements", "constraints", "ends", "chains"),
    [
        (
            ("train", "frames"),
            (),
            {("accel", "arrays<2"), ("frames", "arrays>=2")},
            {("train", "accel", "arrays"), ("frames", "arrays")},
        ),
        (
            ("train>=1.0", "plots"),
            (),
            {("accel", "arrays<2"), ("frames", "arrays>=2")},
            {("train", "accel", "arrays"), ("plots", "frames", "arrays")},
        ),
        (
            ("train==1.0", "arrays==2.0"),
            (),
            {("accel", "arrays<2"), (None, "arrays==2.0")},
            {("train", "accel", "arrays"), ("arrays",)},
        ),
        (
            ("vision==1.1",),
            ("tensors<=2.0",),
            {("vision", "tensors==2.1"), (None, "tensors<=2.0")},
            {("vision", "tensors"), ("tensors",)},
        ),
        (
            ("arrays==2.0", "arrays<2"),
            (),
            {(None, "arrays==2.0"), (None, "arrays<2")},
            {("arrays",)},
        ),
    ],
)
def test_engine_conflict_has_both_requirements_with_chains(
    engine: ModuleType,
    requirements: tuple[str, ...],
    constraints: tuple[str, ...],
    ends: set[tuple[str | None, str]],
    chains: set[tuple[str, ...]],
    address: str,
) -> None:
    request = ResolveRequest("lab", requirements, PYTHON_312, constraints, address)
    with pytest.raises(PackageConflict) as failure:
        engine.compile_requirements(request)
    found = failure.value.collision.chains
    assert {(chain[-1].requirer, str(chain[-1])) for chain in found} == ends
    assert {tuple(step.name for step in chain) for chain in found} == chains
    assert failure.value.status == 1


@pytest.mark.parametrize("engine", [uv, resolvelib])
@pytest.mark.parametrize(
    ("requirement", "names"),
    [
        ("later>=2", ("later",)),
        ("needs-later", ("needs-later", "later")),
        ("arrays==3.0", ("arrays",)),
        ("absent", ("absent",)),
        ("needs-absent", ("needs-absent", "absent")),
        # A package with one release, and bounds that are beyond all releases.
        ("plots==2.0", ("plots",)),
        ("plots==2.*", ("plots",)),
        ("needs-plots", ("needs-plots", "plots")),
        ("arrays<1.0", ("arrays",)),
        ("train>1.0,<2", ("train",)),
    ],
)
def test_engine_without_release_names_who_requires_it(
    engine: ModuleType, requirement: str, names: tuple[str, ...], address: str
) -> None:
    request = ResolveRequest("lab", (requirement,), PYTHON_312, (), address)
    with pytest.raises(PackageConflict) as failure:
        engine.compile_requirements(request)
    (chain,) = failure.value.collision.chains
    assert tuple(step.name for step in chain) == names
    assert chain[-1].absent


SPEC = """
rig = 1
name = "lab"
[env.lab]
python = "3.12"
interpreter = "pyenv"
packages = {{ {packages} }}
[mirrors]
pypi = "{address}"
"""


@pytest.mark.parametrize("engine", [(), ("--engine", "resolvelib")])
def test_lock_with_conflict_labels_both_lines(
    engine: tuple[str, ...], tmp_path: Path, rigspec: Rigspec, address: str
) -> None:
    spec = tmp_path / "rig.toml"
    packages = 'train = "==1.0", plots = "*"'
    spec.write_text(SPEC.format(packages=packages, address=address), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock", *engine)
    assert done.returncode == 1, done.stdout
    output = " ".join(done.stderr.split())
    assert "error[RS506]: no set of packages satisfies the environment `lab`: " in output
    for end in ("requires arrays<2", "requires arrays>=2"):
        assert end in output
    assert "requires accel>=1.1, which requires arrays<2" in output
    assert "requires frames" in output
    assert not (tmp_path / "lock").exists()


@pytest.mark.parametrize("engine", [(), ("--engine", "resolvelib")])
@pytest.mark.parametrize(
    ("line", "pip"),
    [("", "rigspec pins pip 26.3"), ('pip = "25.0"', "the spec requires pip 25.0")],
)
def test_lock_with_conflict_about_pip_names_who_pins_it(
    line: str, pip: str, engine: tuple[str, ...], tmp_path: Path, rigspec: Rigspec, address: str
) -> None:
    spec = tmp_path / "rig.toml"
    text = SPEC.format(packages='needs-pip = "*"', address=address)
    spec.write_text(text.replace("[mirrors]", f"{line}\n[mirrors]"), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock", *engine)
    assert done.returncode == 1, done.stdout
    output = " ".join(done.stderr.split())
    assert "needs-pip 1.0 requires pip<20" in output or "needs-pip requires pip<20" in output
    assert pip in output
    assert "the environment requires" not in output


@pytest.mark.parametrize("line", ['"==24.0"', '">=24,<24.1"'])
def test_lock_with_pip_among_the_packages_pins_that_pip(
    line: str, tmp_path: Path, rigspec: Rigspec, address: str
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(SPEC.format(packages=f"pip = {line}", address=address), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert "not checked" not in done.stderr
    tools = (tmp_path / "lock" / "lab.tools.txt").read_text(encoding="utf-8")
    assert "pip==24.0" in tools


def test_lock_with_tool_of_package_does_not_bound_it(
    tmp_path: Path, rigspec: Rigspec, address: str
) -> None:
    """Python 3.7 has setuptools up to 68.0, unless a package requires a newer one."""
    spec = tmp_path / "rig.toml"
    text = SPEC.format(packages='needs-tools = "*"', address=address)
    spec.write_text(text.replace("3.12", "3.7"), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    tools = (tmp_path / "lock" / "lab.tools.txt").read_text(encoding="utf-8")
    assert "setuptools==70.0" in tools


def test_conflict_about_tools_names_the_bound_of_rigspec(address: str) -> None:
    request = ResolveRequest("lab", ("needs-tools", "setuptools<=68"), PYTHON_312, (), address)
    with pytest.raises(PackageConflict) as failure:
        resolvelib.compile_requirements(request)
    assert "the spec requires setuptools<=68" in failure.value.diagnostic.message
    bound = {"setuptools": "rigspec requires setuptools<=68 for Python 3.7"}
    message = failure.value.explain_bounds(bound).diagnostic.message
    assert "rigspec requires setuptools<=68 for Python 3.7" in message
    assert "the spec" not in message


def test_find_collision_without_fit_prefers_line_of_spec_to_package() -> None:
    """As for whisperx, of which both its own line and a dependency had no release."""
    missing = RequiredPackage("a", (">=9",), absent="no release matches")
    dependency = RequiredPackage("b", (">=9",), "c", "==1.0", absent="no release matches")
    found = find_collision([dependency, RequiredPackage("c"), missing])
    assert found is not None
    assert found.chains == ((missing,),)


def test_find_collision_without_conflict_returns_none() -> None:
    required = (RequiredPackage("arrays", (">=1",)), RequiredPackage("arrays", ("<2",)))
    assert find_collision(required) is None


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        ("<2", ">=2", True),
        ("<2", ">=1.9", False),
        ("==2.1.*", "<2.1", True),
        (">1,<2", "==1.5", False),
        (">1,<2", "==2", True),
        ("~=1.4", ">=2", True),
        ("!=1.0", "==1.0", True),
        ("<0.3.dev0", ">=0.5.0", True),
        ("==2.7.1+cu126", "==2.7.1", False),
    ],
)
def test_conflicts_with_compares_ranges(first: str, second: str, conflict: bool) -> None:
    one, other = RequiredPackage("arrays", (first,)), RequiredPackage("arrays", (second,))
    assert one.conflicts_with(other) is conflict
    assert other.conflicts_with(one) is conflict


def test_read_requirements_of_unknown_words_returns_nothing() -> None:
    assert read_requirements("error: something else happened", ()) == ()
