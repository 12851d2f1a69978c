"""Parse the output of programs and files of a machine."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from xml.etree import ElementTree as ET

__all__ = [
    "Card",
    "Disk",
    "Module",
    "OsRelease",
    "Processor",
    "compute_capabilities",
    "find_first_version",
    "parse_cudnn_version",
    "parse_disks",
    "parse_driver_version",
    "parse_fields",
    "parse_gpu_list",
    "parse_kernel_memory",
    "parse_lspci",
    "parse_memory_modules",
    "parse_nvidia_smi",
    "parse_processor",
    "parse_system",
    "parse_toolkit_version",
    "round_to_decimal_size",
]

_DISPLAY = "03"  # the PCI class of display controllers
_NVIDIA = "10de"  # the PCI vendor


@dataclass(frozen=True)
class OsRelease:
    """A distribution as /etc/os-release names it; ``like`` are the ones it is derived from."""

    id: str
    version: str
    like: tuple[str, ...]


@dataclass(frozen=True)
class Processor:
    """A processor; ``cores`` and ``threads`` are of all sockets."""

    model: str
    architecture: str
    sockets: int
    cores: int | None
    threads: int | None
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """A GPU by its name; ``memory`` is in MiB."""

    name: str
    memory: int | None = None


@dataclass(frozen=True)
class Module:
    """A module of main memory: ``size`` in MiB, ``speed`` in MT/s."""

    size: int
    type: str | None
    speed: int | None


@dataclass(frozen=True)
class Disk:
    """A disk: its size in bytes, and its kind as in a spec."""

    size: int
    kind: str


def parse_fields(text: str) -> dict[str, str]:
    """Return the `key: value` lines; the first one of each key, with any indentation."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip(), value.strip())
    return found


def parse_system(text: str) -> OsRelease | None:
    """Parse the distribution from /etc/os-release."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and re.fullmatch(r"[A-Z_]+", key):
            found[key] = value.strip().strip("\"'")
    if not found.get("ID"):
        return None
    like = tuple(found.get("ID_LIKE", "").split())
    return OsRelease(found["ID"], found.get("VERSION_ID", ""), like)


def parse_processor(text: str) -> Processor | None:
    """Parse the processor from lscpu."""
    values = parse_fields(text)
    model = values.get("Model name") or values.get("BIOS Model name")
    if not model or not values.get("Architecture"):
        return None
    sockets = _number(values.get("Socket(s)")) or 1
    each = _number(values.get("Core(s) per socket"))
    return Processor(
        model=model,
        architecture=values["Architecture"],
        sockets=sockets,
        cores=each * sockets if each else None,
        threads=_number(values.get("CPU(s)")),
        flags=tuple((values.get("Flags") or "").split()),
    )


def parse_kernel_memory(text: str) -> int | None:
    """Parse the memory of the kernel in MiB from /proc/meminfo: less than is installed."""
    found = re.search(r"^MemTotal:\s+([0-9]+) kB$", text, re.M)
    return int(found[1]) // 1024 if found else None


def parse_memory_modules(text: str) -> tuple[Module, ...]:
    """Parse the memory modules from dmidecode, without empty slots."""
    found = []
    for block in re.split(r"^Handle 0x", text, flags=re.M):
        if "\nMemory Device\n" not in block:
            continue
        values = parse_fields(block)
        size = re.fullmatch(r"([0-9]+) (MB|GB|MiB|GiB)", values.get("Size", ""))
        if size is None:
            continue
        kind = values.get("Type")
        speed = re.match(r"([0-9]+) M(?:T/s|Hz)", values.get("Speed", ""))
        found.append(
            Module(
                size=int(size[1]) * (1024 if size[2].startswith("G") else 1),
                type=kind if kind and re.fullmatch(r"LPDDR[0-9]\w?|DDR[0-9]?", kind) else None,
                speed=int(speed[1]) if speed else None,
            )
        )
    return tuple(found)


def parse_disks(text: str) -> tuple[Disk, ...]:
    """Parse the disks from the JSON of lsblk; raise ValueError if it is malformed."""
    if not text.strip():
        return ()
    try:
        rows = json.loads(text)["blockdevices"]
        found = [row for row in rows if row["type"] == "disk" and int(row["size"]) > 0]
        return tuple(Disk(int(row["size"]), _kind(row)) for row in found if _is_disk(row))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a list of disks: {error}") from None


def parse_nvidia_smi(text: str) -> tuple[Card, ...]:
    """Parse the GPUs from the XML of nvidia-smi; raise ValueError if it is malformed."""
    root = _xml(text)
    found = []
    for gpu in root.iter("gpu"):
        memory = re.fullmatch(r"([0-9]+) MiB", gpu.findtext("fb_memory_usage/total", ""))
        name = gpu.findtext("product_name", "").strip()
        if name:
            found.append(Card(name, int(memory[1]) if memory else None))
    return tuple(found)


def parse_gpu_list(text: str) -> tuple[Card, ...]:
    """Parse the GPUs from the list of nvidia-smi."""
    found = re.findall(r"^GPU [0-9]+: (.+?)(?: \(UUID: [^)]*\))?$", text, re.M)
    return tuple(Card(name.strip()) for name in found)


def parse_lspci(text: str) -> tuple[Card, ...]:
    """Parse NVIDIA's GPUs from lspci with names and numbers.

    The name is in brackets after that of the chip; unknown PCI ids have none.
    """
    found = []
    for line in text.splitlines():
        entry = re.match(
            r"[0-9a-f:.]+ [^\[]*\[([0-9a-f]{4})\]: (.*) \[([0-9a-f]{4}):([0-9a-f]{4})\]", line
        )
        if entry and entry[1].startswith(_DISPLAY) and entry[3] == _NVIDIA:
            named = re.search(r"\[([^\[\]]+)\]$", entry[2])
            number = f"Device {entry[4]}"
            found.append(Card(named[1] if named else number))
    return tuple(found)


def compute_capabilities(text: str) -> Mapping[str, str]:
    """Parse the compute capability of each GPU, which newer drivers print."""
    found = {}
    for line in text.splitlines():
        name, comma, number = line.rpartition(",")
        if comma and re.fullmatch(r"[0-9]+\.[0-9]", number.strip()):
            found[name.strip()] = number.strip()
    return found


def parse_driver_version(smi: str, module: str) -> str | None:
    """Parse the driver version from nvidia-smi, else from the kernel module."""
    if smi:
        version = _xml(smi).findtext("driver_version", "").strip()
        if re.fullmatch(r"[0-9]+(?:\.[0-9]+)+", version):
            return version
    found = re.search(r"Kernel Module.*?\s([0-9]+(?:\.[0-9]+)+)\s", module)
    return found[1] if found else None


def parse_toolkit_version(nvcc: str, file: str) -> str | None:
    """Parse the toolkit version from its version file, else from its compiler."""
    text = re.search(r"CUDA Version ([0-9]+\.[0-9]+(?:\.[0-9]+)?)", file)
    if text is not None:
        return text[1]
    if file.lstrip().startswith("{"):
        # After the series some have a date instead of a release.
        form = r'"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"([0-9]+\.[0-9]+(?:\.[0-9]{1,3}(?![0-9]))?)'
        found = re.search(form, file)
        if found is not None:
            return found[1]
    release = re.search(r"release ([0-9]+\.[0-9]+),", nvcc)
    return release[1] if release else None


def parse_cudnn_version(text: str) -> str | None:
    """Parse the cuDNN version from its header."""
    found = dict(re.findall(r"^#define CUDNN_(MAJOR|MINOR|PATCHLEVEL) ([0-9]+)$", text, re.M))
    parts = [found.get(name) for name in ("MAJOR", "MINOR", "PATCHLEVEL")]
    return ".".join(part for part in parts if part) if all(parts) else None


def find_first_version(text: str) -> str | None:
    """Parse the version in the first line of a program, at its end or after `version`."""
    line = (text.splitlines() or [""])[0][:500]
    found = re.search(r"version ([0-9]+\.[0-9]+(?:\.[0-9]+)?)", line) or re.search(
        r"([0-9]+\.[0-9]+\.[0-9]+)(?: \(Red Hat[^)]*\)| [0-9]{8}.*)?$", line
    )
    return found[1] if found else None


def _xml(text: str) -> ET.Element:
    if "<!ENTITY" in text:
        raise ValueError("it defines entities, which nvidia-smi never does")
    try:
        return ET.fromstring(text)  # noqa: S314
    except ET.ParseError as error:
        raise ValueError(f"not XML: {error}") from None


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[0-9]{1,6}", text) else None


def _kind(row: Mapping[str, object]) -> str:
    if row.get("tran") == "nvme" or str(row["name"]).startswith("nvme"):
        return "nvme"
    return "hdd" if row["rota"] in (True, "1", 1) else "ssd"


def _is_disk(row: Mapping[str, object]) -> bool:
    """Return whether the device is a built-in disk: not in memory, a file or on USB."""
    passing = re.match(r"loop|ram|zram|fd|sr|nbd|dm-", str(row["name"]))
    return passing is None and row.get("tran") != "usb"


def round_to_decimal_size(size: int) -> str:
    """Return the size as makers of disks write it: ``512 GB``, ``2 TB``."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            amount = round(Decimal(size) / factor, 1 if unit == "TB" else 0)
            return f"{amount.normalize():f} {unit}"
    return f"{size} B"
