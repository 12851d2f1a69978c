"""What programs and files say, one by one: of old releases, of new ones, of none."""

from __future__ import annotations

import json

import pytest
import tomli

from rigspec.host.facts import find_host
from rigspec.host.parsers import (
    find_first_version,
    parse_cudnn_version,
    parse_disks,
    parse_driver_version,
    parse_lspci,
    parse_memory_modules,
    parse_toolkit_version,
)
from rigspec.host.recording import Recording
from rigspec.host.spec_writer import render_spec


def test_modules_are_added_up_and_empty_slots_are_none() -> None:
    slot = "Handle 0x1, DMI type 17\nMemory Device\n\tSize: {}\n\tType: DDR4\n\tSpeed: {}\n\n"
    text = slot.format("16 GB", "3200 MT/s") + slot.format("No Module Installed", "Unknown")
    text += slot.format("16384 MB", "2666 MHz")
    assert [(m.size, m.type, m.speed) for m in parse_memory_modules(text)] == [
        (16384, "DDR4", 3200),
        (16384, "DDR4", 2666),
    ]


def test_reading_card_has_name_in_brackets() -> None:
    # Lines of `lspci -nn` as people have posted them.
    text = (
        "00:02.0 VGA compatible controller [0300]: Intel Corporation CoffeeLake-S GT2 "
        "[UHD Graphics 630] [8086:3e92]\n"
        "3b:00.0 VGA compatible controller [0300]: NVIDIA Corporation GP102 "
        "[GeForce GTX 1080 Ti] [10de:1b06] (rev a1)\n"
        "3b:00.1 Audio device [0403]: NVIDIA Corporation GP102 HDMI Audio Controller "
        "[10de:10ef] (rev a1)\n"
        "01:00.0 VGA compatible controller [0300]: NVIDIA Corporation Device [10de:1b06] (rev a1)\n"
    )
    assert [card.name for card in parse_lspci(text)] == ["GeForce GTX 1080 Ti", "Device 1b06"]
    host = find_host(Recording({"lspci": text, "os-release": "ID=debian\nVERSION_ID=12\n"}, {}))
    cards = tomli.loads(render_spec(host, "rig"))["machine"]["host"]["gpus"]
    assert [card["model"] for card in cards] == ["GeForce GTX 1080 Ti", "Device 1b06"]


def test_disks_as_old_and_new_lsblk_write_them() -> None:
    old = '{"blockdevices": [{"name": "sda", "type": "disk", "size": "256060514304", "rota": "0"}]}'
    new = json.dumps(
        {
            "blockdevices": [
                {"name": "nvme0n1", "type": "disk", "size": 10**12, "rota": False, "tran": "nvme"},
                {"name": "sdb", "type": "disk", "size": 2 * 10**12, "rota": True, "tran": "sata"},
                {"name": "sdc", "type": "disk", "size": 10**10, "rota": True, "tran": "usb"},
                {"name": "sr0", "type": "rom", "size": 10**9, "rota": True, "tran": "sata"},
                {"name": "loop0", "type": "loop", "size": 10**9, "rota": False, "tran": None},
            ]
        }
    )
    assert [(disk.size, disk.kind) for disk in parse_disks(old)] == [(256060514304, "ssd")]
    assert [disk.kind for disk in parse_disks(new)] == ["nvme", "hdd"]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("gcc (Ubuntu 5.4.0-6ubuntu1~16.04.12) 5.4.0 20160609\nCopyright", "5.4.0"),
        ("gcc (Debian 12.2.0-14+deb12u1) 12.2.0\n", "12.2.0"),
        ("gcc (GCC) 8.5.0 20210514 (Red Hat 8.5.0-20)\n", "8.5.0"),
        ("gcc (GCC) 4.8.5 20150623 (Red Hat 4.8.5-44)\n", "4.8.5"),
        ("Docker version 24.0.7, build afdd53b\n", "24.0.7"),
        ("no version\n", None),
        ("", None),
    ],
)
def test_the_version_of_a_program(text: str, version: str | None) -> None:
    assert find_first_version(text) == version


def test_the_toolkit_by_its_file_or_its_compiler() -> None:
    nvcc = "Cuda compilation tools, release 9.0, V9.0.176\n"
    assert parse_toolkit_version(nvcc, "") == "9.0"
    assert parse_toolkit_version("", "CUDA Version 10.2.89\n") == "10.2.89"
    new = '{\n "cuda" : {\n  "name" : "CUDA SDK",\n  "version" : "12.4.1"\n }\n}'
    assert parse_toolkit_version(nvcc, new) == "12.4.1"
    assert parse_toolkit_version("", '{"cuda": {"version": "11.4.20210728"}}') == "11.4"
    assert parse_toolkit_version("", "") is None
    header = "#define CUDNN_MAJOR 7\n#define CUDNN_MINOR 6\n#define CUDNN_PATCHLEVEL 5\n"
    assert parse_cudnn_version(header) == "7.6.5"


def test_the_driver_by_its_module_where_no_program_is() -> None:
    module = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12\nGCC version:"
    assert parse_driver_version("", module) == "535.183.01"
    open_module = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release\n"
    assert parse_driver_version("", open_module) == "550.54.15"
