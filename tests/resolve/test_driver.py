"""The driver as a component: where it comes from, and with which kernel modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.apt.packages import list_requested_packages
from rigspec.lock.nvidia_repository import list_repositories, list_third_party_packages
from rigspec.matrix.loader import load_matrix
from rigspec.resolution import Resolution
from rigspec.spec.loader import load_spec
from tests.resolve.rigs import check, errors

_CUDA = "[cuda]\n"


def machine(
    *gpus: str, os: str = "ubuntu 24.04", driver: str = "", cuda: str = "", instance: str = ""
) -> str:
    cards = ", ".join(f'{{ model = "{gpu}" }}' for gpu in gpus)
    lines = ["[machine.tower]", f'os = "{os}"']
    lines += [f"driver = {driver}"] if driver else []
    lines += [f'instance = "{instance}"', 'kind = "cloud"'] if instance else []
    lines += [f"gpus = [{cards}]"] if gpus else []
    return "\n".join([*lines, cuda, "[env.lab]", 'interpreter = "uv"']) + "\n"


def resolved(folder: Path, text: str) -> Resolution:
    report = check(folder, text)
    assert errors(report) == []
    assert report.resolution is not None
    return report.resolution


def packages(folder: Path, text: str) -> dict[str, str | None]:
    """The locked packages of the driver's layers, by name with their versions."""
    resolution, matrix = resolved(folder, text), load_matrix()
    rig = load_spec(str(folder / "rig.toml")).rig
    found = [*list_third_party_packages(rig, resolution, matrix)]
    found += list_requested_packages(rig, resolution, matrix, (), fetched=())
    return {package.name: package.version for package in found if "driver" in package.part}


@pytest.mark.parametrize("cuda", ["", _CUDA])
@pytest.mark.parametrize(
    ("gpu", "modules", "package"),
    [
        ("RTX 5090", "open", "nvidia-open"),
        ("RTX 4090", "open", "nvidia-open"),
        ("RTX 2070", "open", "nvidia-open"),
        ("GTX 1080 Ti", "proprietary", "cuda-drivers"),
    ],
)
def test_driver_without_request_comes_from_nvidia_with_modules_of_the_card(
    cuda: str, gpu: str, modules: str, package: str, tmp_path: Path
) -> None:
    text = machine(gpu, cuda=cuda)
    found = resolved(tmp_path, text)
    assert (found.driver_source, found.kernel_modules) == ("nvidia", modules)
    assert package in packages(tmp_path, text)


def test_driver_of_a_cloud_instance_is_installed_without_cuda(tmp_path: Path) -> None:
    assert "nvidia-open" in packages(tmp_path, machine(instance="aws g6.xlarge"))


def test_driver_without_gpu_is_absent(tmp_path: Path) -> None:
    found = resolved(tmp_path, machine())
    assert (found.driver, found.driver_source, found.kernel_modules) == (None, None, None)


@pytest.mark.parametrize(
    ("os", "version", "pinned"),
    [
        ("ubuntu 24.04", "620.70.06", "620.70.06-1ubuntu1"),
        ("debian 12", "620.70.06", "620.70.06-1"),
        ("ubuntu 24.04", "575.57.08", "575.57.08-0ubuntu1"),
    ],
)
def test_driver_packages_have_the_revision_of_the_system(
    os: str, version: str, pinned: str, tmp_path: Path
) -> None:
    text = machine("RTX 4090", os=os, driver=f'"{version}"')
    found = packages(tmp_path, text)
    # What the packages since 590 depend on is the version or any newer one.
    pinning = {f"nvidia-driver-pinning-{version}": None} if version > "590" else {}
    assert found == {**pinning, "nvidia-open": pinned}


def test_driver_before_560_has_proprietary_modules(tmp_path: Path) -> None:
    found = resolved(tmp_path, machine("RTX 4090", driver='"550"'))
    assert found.kernel_modules == "proprietary"


@pytest.mark.parametrize(
    ("os", "driver", "expected"),
    [
        ("debian 12", '{ from = "distribution" }', {"nvidia-driver"}),
        (
            "debian 12",
            '{ from = "distribution", modules = "open" }',
            {"nvidia-open-kernel-dkms", "nvidia-driver"},
        ),
        (
            "ubuntu 24.04",
            '{ version = "580", from = "distribution" }',
            {"nvidia-headless-580-open", "nvidia-utils-580"},
        ),
        (
            "ubuntu 24.04",
            '{ version = "535", from = "distribution" }',
            {"nvidia-headless-535", "nvidia-utils-535"},
        ),
    ],
)
def test_driver_from_the_distribution_takes_its_packages(
    os: str, driver: str, expected: set[str], tmp_path: Path
) -> None:
    text = machine("RTX 3090", os=os, driver=driver)
    found = packages(tmp_path, text)
    assert found == dict.fromkeys(expected)
    assert list(list_repositories(resolved(tmp_path, text), load_matrix())) == []


def test_driver_none_installs_nothing(tmp_path: Path) -> None:
    text = machine("RTX 5090", driver='"none"')
    assert resolved(tmp_path, text).driver_source == "none"
    assert packages(tmp_path, text) == {}


@pytest.mark.parametrize(
    ("gpus", "driver"),
    [
        (("RTX 5090",), '{ modules = "proprietary" }'),
        (("GTX 1080 Ti",), '{ modules = "open" }'),
        (("RTX 5090", "GTX 1080 Ti"), ""),
    ],
)
def test_modules_that_a_card_cannot_use_are_a_conflict(
    gpus: tuple[str, ...], driver: str, tmp_path: Path
) -> None:
    assert errors(check(tmp_path, machine(*gpus, driver=driver))) == ["RS250"]


@pytest.mark.parametrize(
    ("os", "path", "fingerprint"),
    [
        ("debian 13", "debian13/x86_64/8793F200", "02182E60104FCDC26EAE1B8597A5D4CB8793F200"),
        ("ubuntu 26.04", "ubuntu2604/x86_64/60DF8A40", "14BAFBC7562AD710CA04E69905FBB6DA60DF8A40"),
    ],
)
def test_repository_with_its_own_key_is_trusted_by_that(
    os: str, path: str, fingerprint: str, tmp_path: Path
) -> None:
    resolution = resolved(tmp_path, machine("RTX 4090", os=os))
    (found,) = list_repositories(resolution, load_matrix())
    assert found.key_url.endswith(f"/{path}.pub")
    assert found.key_fingerprint == fingerprint


def test_toolkit_older_than_the_repositories_is_not_offered(tmp_path: Path) -> None:
    report = check(tmp_path, machine("K80", cuda=_CUDA + 'provider = "nvidia"\n'))
    offered = [edit.after for d in report.diagnostics for r in d.repairs for edit in r.edits]
    assert not any("6.0" in str(text) or "5." in str(text) for text in offered)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('driver = "572.83"', True),  # a driver of Windows
        ('driver = "570.172.08"', False),  # not listed, of a branch that is
        ('kind = "wsl"\ndriver = "572.83"', False),
    ],
)
def test_driver_of_unknown_branch_is_not_checked(
    lines: str, expected: bool, tmp_path: Path
) -> None:
    report = check(tmp_path, f'[machine.box]\nos = "ubuntu 24.04"\ngpus = ["RTX 5090"]\n{lines}\n')

    notes = [d.message for d in report.diagnostics if d.code == "RS252"]
    assert errors(report) == []
    assert any("driver 572.83" in message for message in notes) == expected
    assert all("570.172.08" not in message for message in notes)


@pytest.mark.parametrize(
    ("driver", "gpus", "modules"),
    [
        ("555", 'gpus = ["RTX 4090"]', "proprietary"),
        ("560", 'gpus = ["RTX 4090"]', "open"),
        # The card may be one before Turing.
        ("560", "", "proprietary"),
        ("580", "", "proprietary"),
        ("620", "", "open"),
    ],
)
def test_kernel_modules_are_open_by_default_where_the_branch_prefers_them(
    driver: str, gpus: str, modules: str, tmp_path: Path
) -> None:
    report = check(tmp_path, f'[machine.box]\nos = "ubuntu 24.04"\ndriver = "{driver}"\n{gpus}\n')
    assert report.resolution is not None
    assert report.resolution.kernel_modules == modules
