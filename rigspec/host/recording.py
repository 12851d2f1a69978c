"""What a machine says of itself, as it said it: asked here and now, or kept in a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rigspec.host.probe import ProbeError, command, read_text
from rigspec.host.python_environments import environments_here

__all__ = ["Recording", "load_recording", "record_host"]

# A line of a recording that begins so was not said by the machine: it tells why nothing was.
_NOT_SEEN = "rigspec-cannot-see: "


@dataclass(frozen=True)
class Recording:
    """``texts`` by question; ``unseen`` tells why a question has no answer.

    What a question is called is the name of its file. Serial numbers, UUIDs, addresses, host names
    and user names are in no text.
    """

    texts: Mapping[str, str]
    unseen: Mapping[str, str]

    def text(self, question: str) -> str:
        """What was answered; nothing where nothing was."""
        return self.texts.get(question, "")

    def files(self) -> Iterator[tuple[str, str]]:
        """Names and contents, as a folder keeps them."""
        yield from sorted(self.texts.items())
        for question, why in sorted(self.unseen.items()):
            yield question, f"{_NOT_SEEN}{why}\n"


def record_host() -> Recording:
    """What the machine at hand says. Programs have a minute each, and no rights but ours."""
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
    """A recording that was written before. Raises OSError."""
    texts, unseen = {}, {}
    for question in QUESTIONS:
        file = folder / question
        if not file.is_file():
            unseen[question] = "it is not in the recording"
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if text.startswith(_NOT_SEEN):
            unseen[question] = text.removeprefix(_NOT_SEEN).strip()
        else:
            texts[question] = _anonymize(text)
    return Recording(texts, unseen)


def _file(path: str) -> Callable[[], str]:
    def look() -> str:
        text = read_text(path)
        if text is None:
            raise ProbeError(f"{path} is not there")
        return text

    return look


def _said(*words: str, fails: bool = False) -> Callable[[], str]:
    return lambda: command(words, fails=fails) + "\n"


def _first_file(*paths: str) -> Callable[[], str]:
    def look() -> str:
        for path in paths:
            text = read_text(path)
            if text is not None:
                return text
        raise ProbeError(f"{paths[0]} is not there")

    return look


_DMI = ("sys_vendor", "product_name", "board_vendor", "board_name", "bios_version")
# A tag that one provider sets to the same for all of its machines; elsewhere it is an owner's own.
_TAG = "chassis_asset_tag"


def _dmi() -> str:
    """What everybody may read of the firmware's own table: no serial numbers, no UUIDs."""
    from rigspec.host.cloud_detection import known_tags

    lines = []
    for name in (*_DMI, _TAG):
        try:
            text = (read_text(f"/sys/class/dmi/id/{name}") or "").strip()
        except ProbeError:
            continue
        if text and (name != _TAG or text in known_tags(_TAG)):
            lines.append(f"{name}: {text}\n")
    if not lines:
        raise ProbeError("/sys/class/dmi/id is not there")
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
    """Which of the distribution's packages brought the toolkit, if any did."""
    patterns = ("cuda-toolkit-*", "cuda-nvcc-*", "cuda-core-*", "nvidia-cuda-toolkit")
    form = "${Package} ${Version} ${db:Status-Status}\\n"
    said = command(("dpkg-query", "-W", "-f", form, *patterns), fails=True)
    lines = [line for line in said.splitlines() if line.endswith(" installed")]
    return "".join(f"{line}\n" for line in lines)


QUESTIONS: Mapping[str, Callable[[], str]] = {
    "os-release": _file("/etc/os-release"),
    "lscpu": _said("lscpu"),
    "meminfo": _file("/proc/meminfo"),
    "lspci": _said("lspci", "-nn"),
    "dmi": _dmi,
    "dmidecode": _said("dmidecode", "-t", "baseboard", "-t", "memory"),
    "lsblk.json": _said("lsblk", "-J", "-b", "-d", "-o", "NAME,TYPE,SIZE,ROTA,TRAN"),
    "nvidia-smi.xml": _said("nvidia-smi", "-q", "-x"),
    "nvidia-smi-list": _said("nvidia-smi", "-L"),
    "compute-capability.csv": _said(
        "nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader"
    ),
    "nvidia-module": _file("/proc/driver/nvidia/version"),
    "gcc": _said("gcc", "--version"),
    "docker": _said("docker", "--version"),
    "nvcc": _said("/usr/local/cuda/bin/nvcc", "--version"),
    "cuda-version": _first_file("/usr/local/cuda/version.json", "/usr/local/cuda/version.txt"),
    "cudnn.h": _cudnn,
    "toolkit-packages": _toolkit_packages,
    "environments.json": environments_here,
}

# What tells one machine from another of its kind, or who uses it.
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
    """The text without serial numbers and the like, and without whose programs are running."""
    return _UUID.sub("", _NAMES.sub("", _PROCESSES.sub("", text)))
