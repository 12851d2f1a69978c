"""What the build of a source archive needs: a compiler, and the toolkit of its framework."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from rigspec.lock.errors import LockError
from rigspec.lock.python.builds.source_builds import (
    SourceBuild,
    require_build_needs,
)
from rigspec.lock.python.index.metadata import FileMetadata
from rigspec.lock.python.index.sdist import CPU_FALLBACK
from rigspec.lock.python.requirements_file import HashedPin
from rigspec.resolution import EnvResolution, Resolution
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec

Rigspec = Callable[..., Any]


BUILDER = """rig = 1
name = "box"
[machine.box]
os = "debian 13"
[system]
packages = ["build-essential", "python3-dev"]
[env.lab]
"""


def build_of_extension(languages: frozenset[str]) -> SourceBuild:
    pin = HashedPin("flash-attn", Version("2.8.3"), frozenset())
    return SourceBuild(pin, FileMetadata((), languages=languages))


@pytest.mark.parametrize(
    ("toolkit", "languages", "required", "refused"),
    [
        ("13.0.2", {"c", "cuda"}, "torch", True),
        ("12.4.1", {"c", "cuda"}, "torch", False),
        ("13.0.2", {"c"}, "torch", False),
        # CUDA code that PyTorch does not compile, such as that of llama-cpp-python.
        ("13.0.2", {"c", "cuda"}, "numpy", False),
    ],
)
def test_extension_for_another_cuda_than_that_of_torch_is_refused(
    toolkit: str, languages: set[str], required: str, refused: bool
) -> None:
    rig = parse_spec("rig.toml", BUILDER).rig
    env = EnvResolution("lab", "3.12", "26.0", cuda="12.8")
    machine = Resolution("box", "debian 13", "x86_64", "gpu", cuda=toolkit)
    build = build_of_extension(frozenset(languages))
    metadata = replace(build.metadata, runs_with=(Requirement(required),))
    builds = [replace(build, metadata=metadata)]
    matrix = load_required_matrix(rig, "box")
    if not refused:
        require_build_needs(rig, machine, matrix, env, builds, lambda _: None)
        return
    with pytest.raises(LockError, match="for which torch is built") as raised:
        require_build_needs(rig, machine, matrix, env, builds, lambda _: None)
    assert raised.value.diagnostic.help[0] == 'set `toolkit = "12.8"` in `[cuda]`'


@pytest.mark.parametrize("has_wheels", [True, False])
def test_missing_toolkit_is_an_error_on_every_python_without_a_wheel(has_wheels: bool) -> None:
    rig = parse_spec("rig.toml", BUILDER).rig
    machine = Resolution("box", "debian 13", "x86_64", "gpu")
    build = replace(
        build_of_extension(frozenset({"c", "cuda"})),
        has_wheels=has_wheels,
        pythons=("3.11", "3.12") if has_wheels else (),
    )
    with pytest.raises(LockError, match="needs the CUDA toolkit") as raised:
        require_build_needs(
            rig,
            machine,
            load_required_matrix(rig, "box"),
            EnvResolution("lab", "3.13", "26.0"),
            [build],
            lambda _: None,
        )
    assert raised.value.on_every_python is not has_wheels
    other = f'or set `python` of `lab` to "3.12": {build.label} has wheels for Python 3.11, 3.12'
    assert (other in raised.value.diagnostic.help) is has_wheels


@pytest.mark.parametrize(
    ("cuda", "help_"),
    [
        ("13.0", 'add `[cuda]` with `toolkit = "13.0"`'),
        (None, "add `[cuda]` with a `toolkit`"),
    ],
)
def test_missing_toolkit_is_requested_at_the_cuda_of_the_framework(
    cuda: str | None, help_: str
) -> None:
    rig = parse_spec("rig.toml", BUILDER).rig
    matrix, env = load_required_matrix(rig, "box"), EnvResolution("lab", "3.13", "26.0", cuda=cuda)
    with pytest.raises(LockError, match="needs the CUDA toolkit") as raised:
        require_build_needs(
            *(rig, Resolution("box", "debian 13", "x86_64", "gpu"), matrix, env),
            [build_of_extension(frozenset({"c", "cuda"}))],
            lambda _: None,
        )
    assert raised.value.diagnostic.help == (help_,)


def test_archive_that_a_package_of_the_spec_requires_is_shown_at_its_line() -> None:
    rig = parse_spec("rig.toml", BUILDER + 'packages = { OpenRLHF = "*" }\n').rig
    requirer = HashedPin("openrlhf", Version("0.9.0"), frozenset())
    with pytest.raises(LockError, match="needs the CUDA toolkit") as raised:
        require_build_needs(
            *(rig, Resolution("box", "debian 13", "x86_64", "gpu")),
            *(load_required_matrix(rig, "box"), EnvResolution("lab", "3.13", "26.0")),
            *([build_of_extension(frozenset({"c", "cuda"}))], lambda _: requirer),
        )
    (place,) = raised.value.places
    assert place.path == ("env", "lab", "packages", "OpenRLHF")
    assert place.label == "openrlhf 0.9.0 requires flash-attn 2.8.3, which is built from source"


def test_archive_that_computes_its_build_requirements_is_refused_with_a_way_out() -> None:
    rig = parse_spec("rig.toml", BUILDER + 'packages = { horovod = "*" }\n').rig
    build = SourceBuild(
        HashedPin("horovod", Version("0.28.1"), frozenset()),
        FileMetadata((), computes_requirements=True),
    )
    with pytest.raises(LockError, match=r"horovod 0\.28\.1 has no wheel for `lab`") as raised:
        require_build_needs(
            *(rig, Resolution("box", "debian 13", "x86_64", "gpu")),
            *(load_required_matrix(rig, "box"), EnvResolution("lab", "3.13", "26.0"), [build]),
            lambda _: None,
        )
    assert raised.value.diagnostic.code == "RS507"
    assert raised.value.diagnostic.help[0] == "request a version of `horovod` with a wheel"
    assert [place.path for place in raised.value.places] == [("env", "lab", "packages", "horovod")]


@pytest.mark.parametrize(
    ("accelerator", "languages", "is_refused"),
    [
        ("cpu", {"c", "cuda"}, True),
        ("gpu", {"c", "cuda", CPU_FALLBACK}, True),
        ("cpu", {"c", "cuda", CPU_FALLBACK}, False),
    ],
)
def test_build_that_falls_back_to_the_cpu_needs_a_toolkit_for_a_gpu_only(
    accelerator: str, languages: set[str], is_refused: bool
) -> None:
    rig = parse_spec("rig.toml", BUILDER).rig
    machine = Resolution("box", "debian 13", "x86_64", accelerator)
    matrix, env = load_required_matrix(rig, "box"), EnvResolution("lab", "3.13", "26.0")
    expected = pytest.raises(LockError, match="CUDA toolkit") if is_refused else nullcontext()
    with expected:
        build = build_of_extension(frozenset(languages))
        require_build_needs(rig, machine, matrix, env, [build], lambda _: None)
