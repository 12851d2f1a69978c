"""Where the installed driver comes from, and the spec of a machine that has it."""

from __future__ import annotations

import pytest
import tomli

from rigspec.host.driver_packages import (
    detect_driver_source,
    detect_kernel_modules,
    parse_package_origins,
)
from rigspec.host.facts import find_host
from rigspec.host.recording import Recording
from rigspec.host.spec_writer import render_spec
from rigspec.spec.loader import parse_spec
from tests.resolve.rigs import check_text

# github.com/elFarto/nvidia-vaapi-driver/issues/312, with the headings of the C locale.
DEBIAN_WITH_REPOSITORY_OF_NVIDIA = """\
nvidia-driver:
  Installed: 555.42.06-1
  Candidate: 555.42.06-1
  Version table:
     560.28.03-1 500
        500 https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64  Packages
 *** 555.42.06-1 1001
        500 https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64  Packages
        100 /var/lib/dpkg/status
     535.183.01-1~deb12u1 500
        500 http://ftp.example.org/debian bookworm/non-free amd64 Packages
"""
UBUNTU = """\
libnvidia-compute-535:
  Installed: 535.183.01-0ubuntu0.24.04.1
  Candidate: 535.183.01-0ubuntu0.24.04.1
  Version table:
 *** 535.183.01-0ubuntu0.24.04.1 500
        500 http://mirror.example.org/ubuntu noble-updates/restricted amd64 Packages
        500 http://security.ubuntu.com/ubuntu noble-security/restricted amd64 Packages
        100 /var/lib/dpkg/status
nvidia-driver-535:
  Installed: (none)
  Candidate: 535.183.01-0ubuntu0.24.04.1
  Version table:
     535.183.01-0ubuntu0.24.04.1 500
        500 http://mirror.example.org/ubuntu noble-updates/restricted amd64 Packages
"""
LOCAL = """\
libnvidia-compute-550:
  Installed: 550.54.15-0ubuntu1
  Version table:
 *** 550.54.15-0ubuntu1 600
        600 file:/var/cuda-repo-ubuntu2204-12-4-local  Packages
        100 /var/lib/dpkg/status
"""
# The archive of another maker: no source of the language.
OTHER = """\
libnvidia-compute-550:
  Installed: 550.54.14-0ubuntu0~gpu22.04.1
  Version table:
 *** 550.54.14-0ubuntu0~gpu22.04.1 500
        500 https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu jammy/main amd64 Packages
        100 /var/lib/dpkg/status
"""
OPEN = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  "
    "(dvs-builder@U22-I3-B17-02-5)  Tue Sep 23 09:55:41 UTC 2025\n"
)
PROPRIETARY = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {}  Fri Jan 10 20:00:00 UTC 2025\n"
UBUNTU_24_04 = 'ID=ubuntu\nVERSION_ID="24.04"\n'
CARD = "GPU 0: NVIDIA GeForce RTX 3090\n"


@pytest.mark.parametrize(
    ("policy", "rows"),
    [
        (DEBIAN_WITH_REPOSITORY_OF_NVIDIA, ["nvidia-driver 555.42.06-1 nvidia"]),
        (UBUNTU, ["libnvidia-compute-535 535.183.01-0ubuntu0.24.04.1 distribution"]),
        (LOCAL, ["libnvidia-compute-550 550.54.15-0ubuntu1 nvidia"]),
        (OTHER, ["libnvidia-compute-550 550.54.14-0ubuntu0~gpu22.04.1 other"]),
        (UBUNTU + LOCAL, ["libnvidia-compute-535 535.183.01-0ubuntu0.24.04.1 distribution",
                          "libnvidia-compute-550 550.54.15-0ubuntu1 nvidia"]),
        ("", []),
    ],
)  # fmt: skip
def test_origin_is_that_of_the_installed_version(policy: str, rows: list[str]) -> None:
    assert list(parse_package_origins(policy)) == rows


@pytest.mark.parametrize(
    ("recorded", "version", "source"),
    [
        ("nvidia-driver 555.42.06-1 nvidia\n", "555.42.06", "nvidia"),
        ("nvidia-driver 555.42.06-1 nvidia\n", "580.95.05", None),
        ("libcuda1 535.183.01-1~deb12u1 distribution\n", "535.183.01", "distribution"),
        ("libcuda1 535.183.01-1 other\n", "535.183.01", None),
        ("a 535.183.01-1 nvidia\nb 535.183.01-1 distribution\n", "535.183.01", None),
        ("runfile\n", "535.183.01", "runfile"),
        ("", "535.183.01", None),
    ],
)
def test_source_is_that_of_the_packages_of_the_loaded_version(
    recorded: str, version: str, source: str | None
) -> None:
    assert detect_driver_source(recorded, version) == source


@pytest.mark.parametrize(
    ("module", "modules"),
    [(OPEN, "open"), (PROPRIETARY.format("550.135"), "proprietary"), ("", None)],
)
def test_kernel_modules_are_those_that_are_loaded(module: str, modules: str | None) -> None:
    assert detect_kernel_modules(module) == modules


@pytest.mark.parametrize(
    ("packages", "module", "driver"),
    [
        ("a 580.95.05-1ubuntu1 nvidia\n", OPEN,
         {"version": "580.95.05", "from": "nvidia", "modules": "open"}),
        ("a 535.183.01-0ubuntu0.24.04.1 distribution\n", PROPRIETARY.format("535.183.01"),
         {"version": "535.183.01", "from": "distribution", "modules": "proprietary"}),
        ("runfile\n", OPEN, {"version": "580.95.05", "from": "none", "modules": "open"}),
        ("", OPEN, "580.95.05"),
    ],
)  # fmt: skip
def test_spec_of_host_has_the_source_of_its_driver_and_is_possible(
    packages: str, module: str, driver: object
) -> None:
    text = described(UBUNTU_24_04, packages, module)

    assert tomli.loads(text)["machine"]["host"]["driver"] == driver
    report = check_text(text)
    assert report.status == "ok"
    assert report.resolution is not None
    wanted = driver if isinstance(driver, dict) else {"version": driver, "from": "nvidia"}
    found = {
        "version": report.resolution.driver,
        "from": report.resolution.driver_source,
        "modules": report.resolution.kernel_modules,
    }
    assert {key: found[key] for key in wanted} == wanted


def test_spec_of_host_without_apt_leaves_its_driver_to_the_machine() -> None:
    text = described('ID="rocky"\nVERSION_ID="9.4"\n', "", OPEN)

    driver = tomli.loads(text)["machine"]["host"]["driver"]
    assert driver == {"version": "580.95.05", "from": "none", "modules": "open"}
    assert check_text(text).status == "ok"


def described(system: str, packages: str, module: str) -> str:
    texts = {
        "os-release": system,
        "driver-packages": packages,
        "nvidia-module": module,
        "nvidia-smi-list": CARD,
    }
    text = render_spec(find_host(Recording(texts, {})), "recorded")
    assert parse_spec("rig.toml", text).rig.name == "recorded"
    return text
