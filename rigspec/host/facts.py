"""A machine as its recording tells it; what it does not tell is named, and not guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from rigspec.host.cloud_detection import Cloud, cloud_of
from rigspec.host.parsers import (
    Card,
    Disk,
    Module,
    Processor,
    System,
    cards_of_list,
    cards_of_lspci,
    cards_of_nvidia_smi,
    compute_capabilities,
    cudnn_version,
    disks,
    driver_version,
    fields,
    first_version,
    memory_modules,
    memory_of_kernel,
    processor,
    system,
    toolkit_version,
)
from rigspec.host.python_environments import FoundEnvironment, read_environments
from rigspec.host.recording import Recording

__all__ = ["Host", "Undetected", "host_of"]

T = TypeVar("T")

# What no program of a machine can tell.
_OWN_EYES = "fill in by hand"


@dataclass(frozen=True)
class Undetected:
    """A part of the machine that could not be read, and why."""

    part: str
    why: str


@dataclass(frozen=True)
class Host:
    """A machine in values. None, or nothing, is what was not read; ``unread`` says why.

    ``cards_of`` names who told the GPUs. ``ram`` is what the kernel has, in MiB.
    """

    system: System | None
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
    gcc: str | None
    docker: str | None
    toolkit: str | None
    cudnn: str | None
    provider: str | None
    environments: tuple[FoundEnvironment, ...]
    unread: tuple[Undetected, ...]


def host_of(recording: Recording) -> Host:
    """What a recording says, read."""
    trouble: dict[str, str] = dict(recording.unseen)

    def read(question: str, reader: Callable[[str], T], otherwise: T) -> T:
        try:
            return reader(recording.text(question))
        except ValueError as error:
            trouble[question] = str(error)
            return otherwise

    dmi = fields(recording.text("dmi"))
    none: tuple[Card, ...] = ()
    smi = recording.text("nvidia-smi.xml")
    cards = read("nvidia-smi.xml", cards_of_nvidia_smi, none) if smi else none
    # Drivers that are in trouble may still list their cards.
    cards = cards or cards_of_list(recording.text("nvidia-smi-list"))
    seen = cards_of_lspci(recording.text("lspci"))
    module = recording.text("nvidia-module")
    host = Host(
        system=system(recording.text("os-release")),
        processor=processor(recording.text("lscpu")),
        cloud=cloud_of(dmi),
        cards=cards or seen,
        cards_of="nvidia-smi" if cards else "lspci",
        capabilities=compute_capabilities(recording.text("compute-capability.csv")),
        board=_board(dmi, recording.text("dmidecode")),
        modules=memory_modules(recording.text("dmidecode")),
        ram=memory_of_kernel(recording.text("meminfo")),
        disks=read("lsblk.json", disks, ()),
        driver=read("nvidia-smi.xml", lambda text: driver_version(text, module), None),
        gcc=first_version(recording.text("gcc")),
        docker=first_version(recording.text("docker")),
        toolkit=toolkit_version(recording.text("nvcc"), recording.text("cuda-version")),
        cudnn=cudnn_version(recording.text("cudnn.h")),
        provider=_provider(recording.text("toolkit-packages")),
        environments=read("environments.json", read_environments, ()),
        unread=(),
    )
    return replace(host, unread=tuple(_unread(host, trouble)))


def _unread(host: Host, trouble: Mapping[str, str]) -> Iterator[Undetected]:
    def why(*questions: str) -> str:
        told = (trouble[question] for question in questions if question in trouble)
        return next(told, f"{questions[0]} says nothing of it")

    if host.system is None:
        yield Undetected("os", why("os-release"))
    if host.processor is None:
        yield Undetected("cpu", why("lscpu"))
    if not host.cards and {"lspci", "nvidia-smi.xml"} <= trouble.keys():
        both = dict.fromkeys((trouble["lspci"], trouble["nvidia-smi.xml"]))
        yield Undetected("gpus", "; ".join(both))
    if host.cards and host.driver is None:
        yield Undetected("driver", why("nvidia-smi.xml", "nvidia-module"))
    if host.cloud is not None:
        # Boards, modules and supplies of a rented machine are its provider's matter.
        return
    if host.board is None:
        yield Undetected("motherboard", why("dmi", "dmidecode"))
    if not host.modules:
        yield Undetected("memory modules", why("dmidecode"))
    if not host.disks:
        yield Undetected("storage", why("lsblk.json"))
    yield Undetected("psu, case", _OWN_EYES)


def _board(dmi: Mapping[str, str], dmidecode: str) -> str | None:
    """Maker and name of the board; makers that fill in nothing write that they do."""
    maker, name = dmi.get("board_vendor", ""), dmi.get("board_name", "")
    if not name and "Base Board Information" in dmidecode:
        said = fields(dmidecode.partition("Base Board Information")[2].partition("\n\n")[0])
        maker, name = said.get("Manufacturer", ""), said.get("Product Name", "")
    blank = {"", "default string", "to be filled by o.e.m.", "not specified", "none", "n/a"}
    if name.lower() in blank:
        return None
    return name if maker.lower() in blank else f"{maker} {name}"


def _provider(packages: str) -> str | None:
    """Whose packages the toolkit is from: the distribution's name theirs in another way."""
    names = [line.split(" ")[0] for line in packages.splitlines() if line]
    if not names:
        return None
    return "nvidia" if any(name.startswith("cuda-") for name in names) else "debian"
