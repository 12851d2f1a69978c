"""Packages of conda channels: facts about wheels do not apply to them."""

from __future__ import annotations

from pathlib import Path

from tests.resolve.rigs import check, errors


def conda(packages: str, frameworks: str = "", python: str = "3.6") -> str:
    return f"""
[machine.box]
os = "ubuntu 16.04"
driver = "384.81"
gpus = ["GTX 1080 Ti"]

[env.lab]
python = "{python}"
manager = "conda"
channels = ["pytorch"]
frameworks = {{ {frameworks} }}
packages = {{ {packages} }}
"""


def notes(folder: Path, text: str) -> list[str]:
    return [d.message for d in check(folder, text).diagnostics if d.code == "RS252"]


def test_conda_package_of_framework_ignores_facts_about_wheels(tmp_path: Path) -> None:
    report = check(tmp_path, conda('pytorch = "1.13"'))
    assert errors(report) == []
    assert report.resolution is not None
    (env,) = report.resolution.envs
    assert [(pin.name, pin.version) for pin in env.frameworks] == [("torch", "1.13.1")]
    assert [(pin.name, pin.version) for pin in env.distributions] == [("pytorch", "1.13.1")]
    assert (env.cuda, env.builds) == (None, ())


def test_conda_package_without_known_build_is_noted(tmp_path: Path) -> None:
    (note,) = notes(tmp_path, conda('pytorch = "1.13"'))
    assert note.endswith(": pytorch 1.13.1")


def test_conda_package_of_unlisted_version_is_noted(tmp_path: Path) -> None:
    text = conda('pytorch = "1.4.9"')
    assert errors(check(tmp_path, text)) == []
    assert notes(tmp_path, text) != []


def test_conda_package_follows_facts_about_its_release(tmp_path: Path) -> None:
    assert errors(check(tmp_path, conda('pytorch = "1.13", torchvision = "0.14"'))) == []
    assert errors(check(tmp_path, conda('pytorch = "1.13", torchvision = "0.15.2"'))) == ["RS217"]


def test_conda_package_without_builds_ignores_facts_about_wheels(tmp_path: Path) -> None:
    # The wheels of TensorFlow 2.10 need Python 3.7 and a CUDA that this driver does not run.
    assert errors(check(tmp_path, conda('tensorflow = "2.10"'))) == []


def test_framework_of_pip_in_conda_environment_follows_facts_about_wheels(tmp_path: Path) -> None:
    assert "RS207" in errors(check(tmp_path, conda("", 'torch = "1.13"')))
