"""The driver and the toolkit of NVIDIA's dnf repository, locked from signed repositories."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from rigspec.lock import create
from rigspec.lock.model import LockedRepository
from rigspec.lock.nvidia_repository import list_repositories
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from tests.lock.dnf_archive import (
    BASE,
    BASEOS,
    DnfArchive,
    DnfBox,
    find_test_distribution,
    make_box,
    move,
    rpm,
)
from tests.lock.signed_archive import Keys, SignedArchive

CRB, EPEL = "/rocky/9/CRB/x86_64/os", "/epel/9/Everything/x86_64"
NVIDIA = "/compute/cuda/repos/rhel9/x86_64"
SPEC = """\
rig = 1
name = "box"

[machine.box]
os = "rocky 9"
gpus = ["RTX 4090"]
driver = "580.95.05"

[cuda]
toolkit = "12.9.1"

[mirrors]
dnf = "{address}"
nvidia = "{address}"
"""
# None of its streams is the default of the module, so dnf hides the packages of all.
MODULES = """\
document: modulemd
version: 2
data:
  name: nvidia-driver
  stream: 580-open
  artifacts: {rpms: ["nvidia-open-3:580.95.05-1.el9.x86_64"]}
"""


def driver(version: str) -> tuple[str, ...]:
    evr = f"3:{version}"
    return (
        rpm("nvidia-open", evr, needs=("nvidia-libXNVCtrl", "kmod-nvidia-open-dkms")),
        rpm("nvidia-libXNVCtrl", evr),
        rpm("kmod-nvidia-open-dkms", evr, needs=("dkms",), arch="noarch"),
    )


TOOLKIT = (
    rpm("cuda-toolkit-12-9", "12.9.1", release="1", needs=("cuda-nvcc-12-9",)),
    rpm("cuda-toolkit-12-9", "12.9.2", release="1", needs=("cuda-nvcc-12-9",)),
    rpm("cuda-nvcc-12-9", "12.9.86", release="1"),
)


@pytest.fixture
def box(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DnfBox]:
    """A rig with a driver and a toolkit, and every repository that they need."""
    server = SignedArchive(keys)
    running = server.serve()

    def find(resolution: Resolution, matrix: Matrix) -> Iterator[LockedRepository]:
        yield from (move(each, keys) for each in list_repositories(resolution, matrix))

    monkeypatch.setattr(create, "find_dnf_distribution", find_test_distribution(keys))
    monkeypatch.setattr(create, "list_repositories", find)
    box, archive = make_box(tmp_path, server)
    archive.publish(BASEOS, *BASE, rpm("python3-dnf-plugin-versionlock"))
    archive.publish(CRB)
    archive.publish(EPEL, rpm("dkms", "3.2.0", needs=("bash",)), key=None)
    publish_drivers(archive, "580.95.05", "620.70.06")
    for path in (f"{NVIDIA}/D42D0685.pub", "/epel/RPM-GPG-KEY-EPEL-9"):
        server.files[path] = keys.armored(keys.own)
    (tmp_path / "rig.toml").write_text(SPEC.format(address=server.address), encoding="utf-8")
    yield box
    running.shutdown()
    running.server_close()


def publish_drivers(archive: DnfArchive, *versions: str) -> None:
    packages = (package for version in versions for package in driver(version))
    archive.publish(NVIDIA, *packages, *TOOLKIT, modules=MODULES)


def test_dnf_driver_and_toolkit_are_pinned_at_their_versions(box: DnfBox) -> None:
    assert "not pinned: packages" not in box.lock()

    assert {name: box.versions[name] for name in box.versions if name != "dkms"} == {
        "python3-dnf-plugin-versionlock": "1.0-1.el9",
        "nvidia-open": "3:580.95.05-1.el9",
        "kmod-nvidia-open-dkms": "3:580.95.05-1.el9",
        "nvidia-libXNVCtrl": "3:620.70.06-1.el9",  # the package of this test needs no version
        "cuda-toolkit-12-9": "12.9.1-1",
        "cuda-nvcc-12-9": "12.9.86-1",
        **{p.name: p.version for p in box.machine.packages if p.part == "fetch"},
    }
    found = {package.name: package for package in box.machine.packages}
    assert found["nvidia-open"].sha256 == hashlib.sha256(b"nvidia-open 3:580.95.05").hexdigest()
    assert (found["dkms"].archive, found["dkms"].needed_by) == ("epel", ("driver",))
    assert found["kmod-nvidia-open-dkms"].arch == "noarch"


def test_dnf_driver_repositories_are_locked(box: DnfBox) -> None:
    box.lock()

    found = {repository.name: repository for repository in box.machine.repositories}
    assert list(found) == ["rocky-baseos", "rocky-appstream", "nvidia-cuda", "rocky-crb", "epel"]
    assert found["nvidia-cuda"].module_hotfixes is True
    assert found["nvidia-cuda"].signed_index is True
    assert found["epel"].signed_index is None
    key = box.archive.files[f"{NVIDIA}/D42D0685.pub"]
    assert found["nvidia-cuda"].key_sha256 == hashlib.sha256(key).hexdigest()


def test_dnf_driver_that_repository_lacks_is_refused(box: DnfBox) -> None:
    publish_drivers(DnfArchive(box.archive), "620.70.06")

    done = box.run("lock")

    text = " ".join(done.output.split())
    assert done.exit_code != 0
    assert "its repository has no nvidia-open 580.95.05" in text or "no kmod-nvidia" in text
    assert "3:620.70.06-1.el9" in text


def test_dnf_driver_stays_locked_until_it_moves(
    box: DnfBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.lock()
    before = box.machine.packages
    spec, text = box.folder / "rig.toml", box.leaves_mirrors()
    for variable in ("RIGSPEC_DNF", "RIGSPEC_NVIDIA"):
        monkeypatch.setenv(variable, "")

    box.lock()
    assert box.machine.packages == before

    spec.write_text(text.replace("580.95.05", "620.70.06"), encoding="utf-8")
    assert "not pinned: packages of the repository nvidia-cuda" in box.lock()
    versions = {p.name: p.version for p in box.machine.packages}
    assert versions["nvidia-open"] == "620.70.06"
    assert "step repository-nvidia-cuda" in box.compile()


def test_dnf_packages_of_distribution_stay_pinned_without_nvidia(
    box: DnfBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = box.folder / "rig.toml"
    text = spec.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("nvidia =")]
    spec.write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setenv("RIGSPEC_NVIDIA", "")

    output = box.lock()

    assert "not pinned: packages of the repository nvidia-cuda" in output
    assert "not pinned: packages of the system" not in output
    pinned = {p.name for p in box.machine.packages if p.sha256 is not None}
    assert "python3-dnf-plugin-versionlock" in pinned
    assert "nvidia-open" not in pinned


def test_dnf_driver_steps_are_compiled(box: DnfBox) -> None:
    box.lock()
    script = box.compile()

    lists = (box.folder / "out/shell/files/packages.driver.txt").read_text("utf-8")
    names = {line.split("-3:")[0] for line in lists.splitlines()}
    assert {"nvidia-open", "kmod-nvidia-open-dkms", "nvidia-libXNVCtrl"} <= names
    assert "step driver 'NVIDIA driver 580.95.05' dnf-host-packages" in script
    assert "packages=packages.driver.txt modules=yes" in script
    assert "hotfixes=yes" in script
    assert "step reboot" in script
    lock = script.index("step driver-pinning")
    assert lock < script.index("step driver 'NVIDIA") < script.index("step cuda")
    system = script.index("step fetch-tools") if "step fetch-tools" in script else 0
    assert system < lock


@pytest.mark.parametrize("changed", [False, True])
def test_dnf_key_without_fingerprint_is_verified_by_its_text(
    changed: bool, box: DnfBox, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = box.archive.files[f"{NVIDIA}/D42D0685.pub"]
    box.archive.files[f"{NVIDIA}/D42D0685.pub"] = key.replace(b"\n", b"\nVersion: 1\n", 1)
    text = hashlib.sha256(key + (b" " if changed else b"")).hexdigest()

    def find(resolution: Resolution, matrix: Matrix) -> Iterator[LockedRepository]:
        for each in list_repositories(resolution, matrix):
            fields = {**move(each, keys).__dict__, "key_fingerprint": "", "key_text_sha256": text}
            yield LockedRepository(**fields)

    monkeypatch.setattr(create, "list_repositories", find)
    done = box.run("lock")

    assert (done.exit_code != 0) is changed, done.output
    if changed:
        assert "cannot be trusted" in " ".join(done.output.split())
