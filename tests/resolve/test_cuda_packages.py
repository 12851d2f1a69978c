"""The packages of NVIDIA's repository that a spec names are those of the toolkit it gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Report, Severity
from tests.resolve.rigs import check, errors


def with_packages(folder: Path, *names: str) -> Report:
    listed = ", ".join(f'"{name}"' for name in names)
    return check(
        folder,
        f"""
[machine.box]
os = "ubuntu 20.04"
gpus = [{{ model = "RTX 3090" }}]

[cuda]
toolkit = "11.8"
packages = [{listed}]
""",
    )


@pytest.mark.parametrize("name", ["cuda-toolkit-12-1", "cuda-12-1", "cuda-libraries-11-7"])
def test_cuda_package_of_another_release_is_an_error(name: str, tmp_path: Path) -> None:
    (error,) = [
        d for d in with_packages(tmp_path, name).diagnostics if d.severity is Severity.ERROR
    ]

    release = ".".join(name.split("-")[-2:])
    assert error.code == "RS309"
    assert error.message == (
        f"the package `{name}` installs CUDA {release}, but the rig uses CUDA 11.8"
    )
    assert [span.label for span in error.spans] == [f"installs CUDA {release}"]
    assert f"`{name[: -len(release)]}11-8`" in error.help[0]


@pytest.mark.parametrize(
    "names",
    [
        ("cuda-toolkit-11-8",),
        # One beside the other is a choice; and this package is for another release on purpose.
        ("cuda-toolkit-11-8", "cuda-toolkit-12-1"),
        ("cuda-compat-12-1",),
        ("libcudnn8",),
    ],
)
def test_cuda_packages_of_resolved_release_are_admitted(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    assert errors(with_packages(tmp_path, *names)) == []
