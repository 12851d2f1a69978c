"""Packages that pip compiles, because the package index has no wheel of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Severity
from tests.resolve.rigs import check

RIG = """
[machine.box]
os = "ubuntu 24.04"
gpus = ["RTX 4090"]

[cuda]
toolkit = "12.8"

[env.lab]
python = "3.12"
frameworks = {{ torch = "2.9.1" }}
packages = {{ flash-attn = "{request}" }}
"""


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ("2.8.3", "flash-attn 2.8.3"),
        (">=2.8", "flash-attn >=2.8"),
        ("*", "flash-attn (newest)"),
        ("[dev]", "flash-attn (newest)"),
        ("[dev]>=2.8", "flash-attn >=2.8"),
    ],
)
def test_package_without_wheel_is_noted(request_: str, named: str, tmp_path: Path) -> None:
    report = check(tmp_path, RIG.format(request=request_))

    (note,) = (d for d in report.diagnostics if d.code == "RS256")
    assert note.message.startswith(f"pip compiles {named} with nvcc of ")
    assert [source.url for fact in note.facts for source in fact.sources] == ["pkg:pypi/flash-attn"]


def test_package_without_wheel_is_compiled_by_the_toolkit(tmp_path: Path) -> None:
    rig = RIG.format(request="*").replace('toolkit = "12.8"', 'toolkit = "12.9"')

    report = check(tmp_path, rig)

    assert report.resolution is not None
    (env,) = report.resolution.envs
    (note,) = (d for d in report.diagnostics if d.code == "RS256")
    assert (env.cuda, "nvcc of CUDA 12.9," in note.message) == ("12.8", True)


BUILT = """
[machine.box]
os = "ubuntu 24.04"
{gpus}

{tables}

[env.lab]
python = "{python}"
frameworks = {{ torch = "2.9.1" }}
packages = {{ {package} = "{request}" }}
"""
GPU, CUDA, MIRROR = (
    'gpus = ["RTX 4090"]',
    '[cuda]\ntoolkit = "12.8"',
    '[mirrors]\npypi = "https://index.example.org/simple"',
)
WHEEL = "https://x.org/f.whl"


def is_refused(tmp_path: Path, **values: str) -> bool:
    """Return whether the installation of a source archive is refused for its toolkit."""
    defaults = {"gpus": GPU, "tables": "", "python": "3.12", "request": "*"}
    report = check(tmp_path, BUILT.format(**{**defaults, **values}))
    errors = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    assert [d.code for d in errors] in ([], ["RS507"])
    assert (report.status == "conflict") == bool(errors)
    return bool(errors)


@pytest.mark.parametrize(
    ("package", "request_"),
    [
        *(("flash-attn", "2.8.3"), ("flash-attn", "*"), ("flash-attn", "<2.8")),
        *(("flash-attn", "~=2.7"), ("flash-attn", "<=2.0.5"), ("causal-conv1d", ">=1.5")),
        *(("mamba-ssm", "*"), ("deepspeed", "*"), ("deepspeed", "0.18.9"), ("cupy", "*")),
        # Their dependencies are compiled.
        *(("openrlhf", "*"), ("openrlhf", "0.9.0")),
        *(("torch-scatter", "*"), ("fast-hadamard-transform", "*"), ("grouped-gemm", "*")),
    ],
)
def test_source_archive_without_toolkit_is_refused(
    package: str, request_: str, tmp_path: Path
) -> None:
    assert is_refused(tmp_path, package=package, request=request_)


@pytest.mark.parametrize(
    "values",
    [
        {"package": "flash-attn", "request": "2.8.3", "tables": CUDA},
        # Another index may have wheels.
        {"package": "flash-attn", "request": "2.8.3", "tables": MIRROR},
        # A wheel of the project's releases.
        {"package": "mamba-ssm", "request": "+cu12torch2.9 ==2.2.5"},
        # The dependency is a wheel that the spec names.
        {"package": f'flash_attn = {{ url = "{WHEEL}", sha256 = "{64 * "0"}" }}, openrlhf'},
        # Built for the CPU.
        {"package": "torch-scatter", "gpus": ""},
        {"package": "deepspeed", "gpus": ""},
        # Released before the row begins: not checked.
        {"package": "deepspeed", "request": "0.5.0"},
    ],
)
def test_source_archive_that_can_be_built_is_accepted(
    values: dict[str, str], tmp_path: Path
) -> None:
    assert not is_refused(tmp_path, **values)


@pytest.mark.parametrize(
    ("toolkit", "package", "request_", "tables", "refused"),
    [
        ("13.0", "flash-attn", "2.8.3", "", True),
        ("13.0", "openrlhf", "*", "", True),
        ("12.9", "flash-attn", "2.8.3", "", False),
        # It is no extension of PyTorch.
        ("13.0", "deepspeed", "*", "", False),
        # That index may have wheels.
        ("13.0", "flash-attn", "2.8.3", '[index.own]\nurl = "https://x.org"', False),
    ],
)
def test_source_archive_for_another_cuda_than_the_toolkit_is_refused(
    toolkit: str, package: str, request_: str, tables: str, refused: bool, tmp_path: Path
) -> None:
    tables = f'[cuda]\ntoolkit = "{toolkit}"\n{tables}'
    values = {"gpus": GPU, "tables": tables, "python": "3.12"}
    report = check(tmp_path, BUILT.format(package=package, request=request_, **values))
    errors = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    assert bool(errors) is refused
    for error in errors:
        assert "needs a toolkit of CUDA 12.8, for which torch is built" in error.message
        assert error.help[0] == 'set `toolkit = "12.8"` in `[cuda]`'


def test_refused_source_archive_suggests_toolkit_of_the_framework(tmp_path: Path) -> None:
    rig = BUILT.format(gpus=GPU, tables="", python="3.12", package="flash-attn", request="2.8.3")
    (error,) = (d for d in check(tmp_path, rig).diagnostics if d.code == "RS507")
    assert error.help == ('add `[cuda]` with `toolkit = "12.8"`',)
    assert not [d for d in check(tmp_path, rig).diagnostics if d.code == "RS256"]
    assert [source.url for fact in error.facts for source in fact.sources] == [
        "pkg:pypi/flash-attn"
    ]


@pytest.mark.parametrize(
    ("python", "more", "refused"),
    [
        ('python = "3.13"', "", True),
        ('python = "3.13"', '[system]\npackages = ["cargo"]', False),
        ('python = "3.12"', "", False),
        # A lock takes a Python with wheels.
        ("", "", False),
    ],
)
def test_dependency_that_needs_rust_is_refused_without_a_compiler(
    python: str, more: str, refused: bool, tmp_path: Path
) -> None:
    """The wheels of outlines-core 0.1.26, which sglang requires, end with Python 3.12."""
    rig = f"""
[machine.box]
os = "ubuntu 24.04"
{GPU}
[env.lab]
{python}
interpreter = "uv"
packages = {{ sglang = "*" }}
{more}
"""
    found = [d for d in check(tmp_path, rig).diagnostics if d.severity is Severity.ERROR]
    assert [d.code for d in found] == (["RS507"] if refused else [])
    for error in found:
        assert error.message.startswith("outlines-core 0.1.26, which sglang requires, has no wheel")
        assert error.help == (
            'add "cargo" to `system.packages`',
            "or set `python` of `lab` to a release before 3.13",
        )


@pytest.mark.parametrize("gpus", ["", 'gpus = ["RTX 4090"]'])
@pytest.mark.parametrize(
    ("base", "suggested"),
    [
        ("nvidia/cuda:12.8.1-devel-ubuntu22.04", None),
        ("nvidia/cuda:12.8.1-base-ubuntu22.04", "nvidia/cuda:12.8.1-devel-ubuntu22.04"),
        (
            "nvidia/cuda:12.8.1-cudnn-runtime-ubuntu22.04",
            "nvidia/cuda:12.8.1-cudnn-devel-ubuntu22.04",
        ),
        (
            "pytorch/pytorch:2.9.1-cuda12.8-cudnn9-runtime",
            "pytorch/pytorch:2.9.1-cuda12.8-cudnn9-devel",
        ),
        ("nvcr.io/nvidia/pytorch:25.03-py3", None),
        ("registry.example.org/team/trainer:1", None),
    ],
)
def test_package_is_compiled_in_an_image_with_nvcc_only(
    base: str, suggested: str | None, gpus: str, tmp_path: Path
) -> None:
    rig = f"""
[machine.box]
os = "ubuntu 22.04"
{gpus}
[container]
base = "{base}"
[env.lab]
python = "3.12"
frameworks = {{ torch = "+cu128 2.9.1" }}
packages = {{ flash-attn = "2.8.3" }}
"""
    found = [d for d in check(tmp_path, rig).diagnostics if d.code == "RS507"]

    expected = [f'set `base` of `[container]` to "{suggested}", which has nvcc']
    assert [d.help[0] for d in found] == (expected if suggested is not None else [])


def test_package_is_compiled_by_a_toolkit_in_an_image_without_nvcc(tmp_path: Path) -> None:
    rig = RIG.format(request="2.8.3").replace('"12.8"', '"12.8"\nprovider = "nvidia"')
    rig += '[container]\nbase = "nvidia/cuda:12.8.1-base-ubuntu24.04"\n'

    assert "RS507" not in {d.code for d in check(tmp_path, rig).diagnostics}


def test_package_is_refused_in_an_image_of_a_distribution(tmp_path: Path) -> None:
    rig = RIG.format(request="2.8.3").replace('gpus = ["RTX 4090"]', "")
    rig = rig.replace('[cuda]\ntoolkit = "12.8"', '[container]\nbase = "ubuntu:24.04"')

    assert "RS507" in {d.code for d in check(tmp_path, rig).diagnostics}
