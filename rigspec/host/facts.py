"""The facts in a recording of a machine; missing facts are listed and not guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from rigspec.host.cloud_detection import Cloud, detect_cloud
from rigspec.host.driver_packages import detect_driver_source, detect_kernel_modules
from rigspec.host.parsers import (
    Card,
    Disk,
    Module,
    OsRelease,
    Processor,
    compute_capabilities,
    find_first_version,
    parse_cudnn_version,
    parse_disks,
    parse_driver_version,
    parse_fields,
    parse_gpu_list,
    parse_kernel_memory,
    parse_lspci,
    parse_memory_modules,
    parse_nvidia_smi,
    parse_processor,
    parse_system,
    parse_toolkit_version,
)
from rigspec.host.python_environments import FoundEnvironment, read_environments
from rigspec.host.recording import Recording

__all__ = ["Host", "Undetected", "find_host"]

T = TypeVar("T")

# The reason for parts that no program can detect.
_BY_HAND = "fill in by hand"


@dataclass(frozen=True)
class Undetected:
    """A part of the machine that was not detected, and the reason."""

    part: str
    why: str


@dataclass(frozen=True)
class Host:
    """The facts of a machine; None or empty if not detected, with the reason in ``unread``.

    ``cards_of`` is the program that listed the GPUs. ``ram`` is the memory of the kernel in MiB.
    """

    system: OsRelease | None
    processor: Processor | None
    cloud: Cloud | None
    cards: tuple[Card, ...]
    cards_of: str
    capabilities: Mapping[str, str]
    board: str | None
    modules: tuple[Module, ...]
    ram: int | None
    disks: tuple[Disk, ...]
    driver: str | None
    driver_source: str | None
    kernel_modules: str | None
    gcc: str | None
    docker: str | None
    toolkit: str | None
    cudnn: str | None
    provider: str | None
    environments: tuple[FoundEnvironment, ...]
    unread: tuple[Undetected, ...]


def find_host(recording: Recording) -> Host:
    """Return the facts in a recording."""
    problems: dict[str, str] = dict(recording.unseen)

    def read(question: str, reader: Callable[[str], T], otherwise: T) -> T:
        try:
            return reader(recording.text(question))
        except ValueError as error:
            problems[question] = str(error)
            return otherwise

    dmi = parse_fields(recording.text("dmi"))
    none: tuple[Card, ...] = ()
    smi = recording.text("nvidia-smi.xml")
    cards = read("nvidia-smi.xml", parse_nvidia_smi, none) if smi else none
    # A failing driver may still list its cards.
    cards = cards or parse_gpu_list(recording.text("nvidia-smi-list"))
    seen = parse_lspci(recording.text("lspci"))
    module = recording.text("nvidia-module")
    host = Host(
        system=parse_system(recording.text("os-release")),
        processor=parse_processor(recording.text("lscpu")),
        cloud=detect_cloud(dmi),
        cards=cards or seen,
        cards_of="nvidia-smi" if cards else "lspci",
        capabilities=compute_capabilities(recording.text("compute-capability.csv")),
        board=_board(dmi, recording.text("dmidecode")),
        modules=parse_memory_modules(recording.text("dmidecode")),
        ram=parse_kernel_memory(recording.text("meminfo")),
        disks=read("lsblk.json", parse_disks, ()),
        driver=read("nvidia-smi.xml", lambda text: parse_driver_version(text, module), None),
        driver_source=None,
        kernel_modules=detect_kernel_modules(module),
        gcc=find_first_version(recording.text("gcc")),
        docker=find_first_version(recording.text("docker")),
        toolkit=parse_toolkit_version(recording.text("nvcc"), recording.text("cuda-version")),
        cudnn=parse_cudnn_version(recording.text("cudnn.h")),
        provider=_provider(recording.text("toolkit-packages")),
        environments=read("environments.json", read_environments, ()),
        unread=(),
    )
    source = detect_driver_source(recording.text("driver-packages"), host.driver)
    host = replace(host, driver_source=source)
    return replace(host, unread=tuple(_unread(host, problems)))


def _unread(host: Host, problems: Mapping[str, str]) -> Iterator[Undetected]:
    def why(*questions: str) -> str:
        reasons = (problems[question] for question in questions if question in problems)
        return next(reasons, f"not in the output of {questions[0]}")

    if host.system is None:
        yield Undetected("os", why("os-release"))
    if host.processor is None:
        yield Undetected("cpu", why("lscpu"))
    if not host.cards and {"lspci", "nvidia-smi.xml"} <= problems.keys():
        both = dict.fromkeys((problems["lspci"], problems["nvidia-smi.xml"]))
        yield Undetected("gpus", "; ".join(both))
    if host.cards and host.driver is None:
        yield Undetected("driver", why("nvidia-smi.xml", "nvidia-module"))
    if host.cloud is not None:
        # Board, memory modules and power supply of a cloud machine belong to its provider.
        return
    if host.board is None:
        yield Undetected("motherboard", why("dmi", "dmidecode"))
    if not host.modules:
        yield Undetected("memory modules", why("dmidecode"))
    if not host.disks:
        yield Undetected("storage", why("lsblk.json"))
    yield Undetected("psu, case", _BY_HAND)


def _board(dmi: Mapping[str, str], dmidecode: str) -> str | None:
    """Return maker and name of the board; None for the placeholders of some makers."""
    maker, name = dmi.get("board_vendor", ""), dmi.get("board_name", "")
    if not name and "Base Board Information" in dmidecode:
        board = parse_fields(dmidecode.partition("Base Board Information")[2].partition("\n\n")[0])
        maker, name = board.get("Manufacturer", ""), board.get("Product Name", "")
    blank = {"", "default string", "to be filled by o.e.m.", "not specified", "none", "n/a"}
    if name.lower() in blank:
        return None
    return name if maker.lower() in blank else f"{maker} {name}"


def _provider(packages: str) -> str | None:
    """Return the provider of the toolkit's packages, by their names."""
    names = [line.split(" ")[0] for line in packages.splitlines() if line]
    if not names:
        return None
    return "nvidia" if any(name.startswith("cuda-") for name in names) else "debian"
