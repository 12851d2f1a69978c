"""Record the output of a machine's programs and files, without identifying data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rigspec.host.cloud_detection import list_known_tags
from rigspec.host.driver_packages import find_installed_driver
from rigspec.host.probe import ProbeError, read_text, run_command
from rigspec.host.python_environments import find_environments

__all__ = ["Recording", "load_recording", "record_host"]

# A line with this prefix is the reason why the recording has no output.
_NOT_DETECTED = "rigspec-cannot-see: "


@dataclass(frozen=True)
class Recording:
    """Recorded ``texts`` by name, and the reason in ``unseen`` for each missing one.

    The name is that of the file in a recording. No text contains serial numbers, UUIDs, addresses,
    host names or user names.
    """

    texts: Mapping[str, str]
    unseen: Mapping[str, str]

    def text(self, question: str) -> str:
        """Return the recorded text; empty if it is missing."""
        return self.texts.get(question, "")

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield the names and contents of the files of a recording."""
        yield from sorted(self.texts.items())
        for question, why in sorted(self.unseen.items()):
            yield question, f"{_NOT_DETECTED}{why}\n"


def record_host() -> Recording:
    """Record this machine; each program has a minute and the privileges of the caller."""
    texts, unseen = {}, {}
    for question, look in QUESTIONS.items():
        try:
            text = look()
        except ProbeError as error:
            unseen[question] = str(error)
            continue
        if text:
            texts[question] = _anonymize(text)
    return Recording(texts, unseen)


def load_recording(folder: Path) -> Recording:
    """Return the recording in a folder; raise OSError if it is unreadable."""
    texts, unseen = {}, {}
    for question in QUESTIONS:
        file = folder / question
        if not file.is_file():
            unseen[question] = "it is not in the recording"
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if text.startswith(_NOT_DETECTED):
            unseen[question] = text.removeprefix(_NOT_DETECTED).strip()
        else:
            texts[question] = _anonymize(text)
    return Recording(texts, unseen)


def _file(path: str) -> Callable[[], str]:
    def look() -> str:
        text = read_text(path)
        if text is None:
            raise ProbeError(f"no {path}")
        return text

    return look


def _output_of(*words: str, fails: bool = False) -> Callable[[], str]:
    return lambda: run_command(words, fails=fails) + "\n"


def _first_file(*paths: str) -> Callable[[], str]:
    def look() -> str:
        for path in paths:
            text = read_text(path)
            if text is not None:
                return text
        raise ProbeError(f"no {paths[0]}")

    return look


_DMI = ("sys_vendor", "product_name", "board_vendor", "board_name", "bios_version")
# One provider sets this tag to one value on all machines; elsewhere it identifies the owner.
_TAG = "chassis_asset_tag"


def _dmi() -> str:
    """Return the world-readable fields of the firmware: no serial numbers, no UUIDs."""
    lines = []
    for name in (*_DMI, _TAG):
        try:
            text = (read_text(f"/sys/class/dmi/id/{name}") or "").strip()
        except ProbeError:
            continue
        if text and (name != _TAG or text in list_known_tags(_TAG)):
            lines.append(f"{name}: {text}\n")
    if not lines:
        raise ProbeError("no /sys/class/dmi/id")
    return "".join(lines)


def _cudnn() -> str:
    text = _first_file(
        "/usr/include/cudnn_version.h",
        "/usr/local/cuda/include/cudnn_version.h",
        "/usr/include/cudnn.h",
        "/usr/local/cuda/include/cudnn.h",
    )()
    found = re.findall(r"^#define CUDNN_(?:MAJOR|MINOR|PATCHLEVEL) [0-9]+$", text, re.M)
    return "".join(f"{line}\n" for line in found)


def _toolkit_packages() -> str:
    """Return the installed packages that contain the toolkit."""
    patterns = ("cuda-toolkit-*", "cuda-nvcc-*", "cuda-core-*", "nvidia-cuda-toolkit")
    form = "${Package} ${Version} ${db:Status-Status}\\n"
    output = run_command(("dpkg-query", "-W", "-f", form, *patterns), fails=True)
    lines = [line for line in output.splitlines() if line.endswith(" installed")]
    return "".join(f"{line}\n" for line in lines)


QUESTIONS: Mapping[str, Callable[[], str]] = {
    "os-release": _file("/etc/os-release"),
    "lscpu": _output_of("lscpu"),
    "meminfo": _file("/proc/meminfo"),
    "lspci": _output_of("lspci", "-nn"),
    "dmi": _dmi,
    "dmidecode": _output_of("dmidecode", "-t", "baseboard", "-t", "memory"),
    "lsblk.json": _output_of("lsblk", "-J", "-b", "-d", "-o", "NAME,TYPE,SIZE,ROTA,TRAN"),
    "nvidia-smi.xml": _output_of("nvidia-smi", "-q", "-x"),
    "nvidia-smi-list": _output_of("nvidia-smi", "-L"),
    "compute-capability.csv": _output_of(
        "nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader"
    ),
    "nvidia-module": _file("/proc/driver/nvidia/version"),
    "gcc": _output_of("gcc", "--version"),
    "docker": _output_of("docker", "--version"),
    "nvcc": _output_of("/usr/local/cuda/bin/nvcc", "--version"),
    "cuda-version": _first_file("/usr/local/cuda/version.json", "/usr/local/cuda/version.txt"),
    "cudnn.h": _cudnn,
    "toolkit-packages": _toolkit_packages,
    "driver-packages": find_installed_driver,
    "environments.json": find_environments,
}

# Data that identifies a machine or its user.
_NAMES = re.compile(
    r"^[ \t]*(?:"
    r"(?:Serial Number|UUID|Asset Tag|Chassis Handle|Location In Chassis):.*"
    r"|<(?:serial|uuid|gpu_uuid|board_id|timestamp)>.*"
    r")\n",
    re.M,
)
_PROCESSES = re.compile(r"[ \t]*<(accounted_processes|processes)>.*?</\1>\n?", re.S)


_UUID = re.compile(r" \(UUID: [^)]*\)")


def _anonymize(text: str) -> str:
    """Return the text without serial numbers, identifiers and running processes."""
    return _UUID.sub("", _NAMES.sub("", _PROCESSES.sub("", text)))
