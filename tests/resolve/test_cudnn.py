"""cuDNN is resolved to a release of the matrix, whichever toolkit it is built for."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.artifacts import list_downloads
from rigspec.matrix.loader import load_matrix
from rigspec.spec.loader import load_spec
from tests.resolve.rigs import check, errors


@pytest.mark.parametrize(
    ("os", "gpu", "toolkit", "cudnn", "build"),
    [
        ("ubuntu 16.04", "GTX 1080 Ti", "8.0", '"6"', "8.0"),
        ("ubuntu 16.04", "GTX 1080 Ti", "9.0", '"*"', "9.0"),
        ("ubuntu 18.04", "RTX 2080 Ti", "10.1", '"7"', "10.1"),
        ("ubuntu 20.04", "RTX 3090", "11.2", '"8.1"', "11.2"),
        ("ubuntu 22.04", "RTX 4090", "11.8", '"8.9"', "11"),
        ("ubuntu 22.04", "RTX 4090", "12.1", '"8.9"', "12"),
        ("ubuntu 22.04", "RTX 4090", "12.4", '"9"', "12"),
        ("ubuntu 22.04", "RTX 4090", "12.1", '{ version = "*", built_for = "12" }', "12"),
        ("ubuntu 24.04", "RTX 5090", "12.8", '"*"', "12"),
        ("ubuntu 24.04", "RTX 5090", "13.0", '"*"', "13"),
    ],
)
def test_cudnn_of_a_toolkit_is_locked_with_its_archive(
    os: str, gpu: str, toolkit: str, cudnn: str, build: str, tmp_path: Path
) -> None:
    machine = f'[machine.box]\nos = "{os}"\ngpus = [{{ model = "{gpu}" }}]\n'
    report = check(tmp_path, f'{machine}[cuda]\ntoolkit = "{toolkit}"\ncudnn = {cudnn}\n')
    assert errors(report) == []
    assert report.resolution is not None
    assert report.resolution.cudnn_cuda == build
    rig, matrix = load_spec(str(tmp_path / "rig.toml")).rig, load_matrix()
    (archive,) = (f for f in list_downloads(rig, report.resolution, matrix) if f.part == "cudnn")
    assert len(archive.sha256) == 64
