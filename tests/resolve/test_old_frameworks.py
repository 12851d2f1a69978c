"""Old frameworks: compiled on the machine, from conda only, or with a dependency of their day."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Severity
from tests.resolve.rigs import check, errors


def rig(toolkit: str, cudnn: str, env: str, gpu: str = "GTX 1080") -> str:
    return (
        f'[machine.box]\nos = "ubuntu 16.04"\ngpus = ["{gpu}"]\n'
        f'[cuda]\nprovider = "runfile"\ntoolkit = "{toolkit}"\ncudnn = "{cudnn}"\n[env.lab]\n{env}'
    )


CAFFE = 'python = "2.7"\npackages = { caffe = "1.0" }\n'
CAFFE2 = 'manager = "conda"\nchannels = ["caffe2"]\npackages = { "caffe2-cuda9.0-cudnn7" = "*" }\n'
TORCH7 = "packages = { cutorch = '*' }\n"


@pytest.mark.parametrize(
    ("toolkit", "cudnn", "env", "expected"),
    [
        ("8.0", "6.0", CAFFE, []),
        ("10.2", "7.6", CAFFE, []),
        ("10.2", "8.0", CAFFE, ["RS202"]),
        ("9.0", "7.0", f'{CAFFE2}python = "2.7"\n', []),
        ("8.0", "7.0", f'{CAFFE2}python = "2.7"\n', ["RS201"]),
        ("9.0", "7.0", f'{CAFFE2}python = "3.6"\n', ["RS207"]),
        ("8.0", "6.0", TORCH7, []),
        ("9.0", "7.0", TORCH7, []),
        ("10.0", "7.6", TORCH7, ["RS201"]),
    ],
)
def test_old_framework_fits_its_toolkit(
    toolkit: str, cudnn: str, env: str, expected: list[str], tmp_path: Path
) -> None:
    assert errors(check(tmp_path, rig(toolkit, cudnn, env))) == expected


@pytest.mark.parametrize(
    ("toolkit", "cudnn", "env", "gpu", "expected"),
    [
        ("8.0", "6.0", CAFFE, "GTX 1080", set()),
        ("9.0", "7.0", CAFFE, "GTX 1080", {"RS226"}),
        ("9.0", "7.0", CAFFE, "V100", {"RS222", "RS226"}),
        ("9.0", "7.0", TORCH7, "GTX 1080", {"RS226"}),
    ],
)
def test_old_framework_that_needs_settings_is_a_warning(
    toolkit: str, cudnn: str, env: str, gpu: str, expected: set[str], tmp_path: Path
) -> None:
    report = check(tmp_path, rig(toolkit, cudnn, env, gpu))

    warnings = {d.code for d in report.diagnostics if d.severity is Severity.WARNING}
    assert errors(report) == []
    assert warnings & {"RS222", "RS226"} == expected


@pytest.mark.parametrize(
    ("fastai", "python", "found"),
    [
        ("2.5.2", "3.9", []),
        ("2.5.2", "3.10", ["RS207"]),
        ("2.7.19", "3.13", []),
        ("2.7.19", "3.14", ["RS207"]),
        ("2.8.7", "3.14", []),
    ],
)
def test_fastai_is_refused_on_a_python_without_its_torch(
    fastai: str, python: str, found: list[str], tmp_path: Path
) -> None:
    """Torch is its dependency, which the spec need not name."""
    env = f'python = "{python}"\ninterpreter = "uv"\nframeworks = {{ fastai = "{fastai}" }}\n'
    report = check(tmp_path, f'[machine.box]\nos = "ubuntu 24.04"\n[env.lab]\n{env}')
    assert errors(report) == found
