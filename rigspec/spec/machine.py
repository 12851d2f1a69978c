"""``[machine.NAME]``: the hardware and what runs on it before anything is installed."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rigspec.spec.fields import Form, Many, Request, SystemRequest, Table, Text
from rigspec.spec.units import EnergyPrice, Length, Money, Size

__all__ = ["Case", "Cpu", "Gpu", "Machine", "Memory", "Motherboard", "PowerSupply", "Storage"]

Count = Annotated[int, Field(ge=1, le=64)]
# What GRUB and the kernel's own command line take as one word, without any quotes.
KernelArgument = Annotated[
    str,
    StringConstraints(max_length=200),
    Form(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:=[A-Za-z0-9_.,:/@+=%!-]*)?",
        "write one argument, `name` or `name=value`, without spaces, quotes or `$`",
    ),
]
Watts = Annotated[int, Field(ge=1, le=20000)]


class Gpu(Table):
    """A kind of graphics card, and how many of it."""

    model: Text = Field(description="The card's name, as people write it.")
    count: Count = Field(default=1, description="How many of them.")
    compute_capability: Request | None = Field(
        default=None, description="For a card that the matrix does not know: `6.1`."
    )
    memory: Size | None = Field(default=None, description="Memory of one GPU.")
    watts: Watts | None = Field(default=None, description="Board power under load.")
    length: Length | None = Field(default=None, description="Length of the card.")


class Cpu(Table):
    """A processor, told in figures."""

    model: Text = Field(description="The processor's name.")
    cores: Count | None = Field(default=None, description="Physical cores.")
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None, description="Hardware threads."
    )
    pcie_lanes: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="PCIe lanes of the processor itself."
    )
    memory: Text | None = Field(default=None, description="The memory type it takes: `DDR4`.")
    watts: Watts | None = Field(default=None, description="Thermal design power.")
    features: Many[Text] | None = Field(
        default=None, description="Instruction sets, as /proc/cpuinfo names them: `avx`."
    )


class Motherboard(Table):
    """A mainboard."""

    model: Text = Field(description="The board's name.")
    memory: Text | None = Field(default=None, description="The memory type it takes.")
    memory_max: Size | None = Field(default=None, description="The most memory it takes.")
    slots: Many[Text] = Field(default=(), description='PCIe slots: `["x16", "x8"]`.')


class Memory(Table):
    """Main memory."""

    size: Size = Field(description="All modules together.")
    type: Text | None = Field(default=None, description="`DDR4`.")
    modules: Count | None = Field(default=None, description="How many modules.")
    speed: Annotated[int, Field(ge=100, le=20000)] | None = Field(
        default=None, description="Transfer rate in MT/s."
    )


class Storage(Table):
    """A disk."""

    size: Size = Field(description="Its size.")
    kind: Literal["ssd", "nvme", "hdd"] = Field(description="What kind of disk.")
    count: Count = Field(default=1, description="How many of them.")
    watts: Watts | None = Field(default=None, description="Power under load.")


class PowerSupply(Table):
    """A power supply."""

    watts: Watts = Field(description="What it delivers.")
    model: Text | None = Field(default=None, description="Its name.")
    efficiency: Text | None = Field(default=None, description="Its grade: `80+ gold`.")


class Case(Table):
    """A case."""

    model: Text = Field(description="Its name.")
    gpu_clearance: Length | None = Field(default=None, description="The longest card it takes.")


class Machine(Table):
    """One machine of the rig."""

    kind: Literal["on-premise", "cloud"] = Field(
        default="on-premise", description="Where the machine stands."
    )
    os: SystemRequest = Field(description="The operating system: `ubuntu 16.04`, `debian >=11`.")
    arch: Literal["x86_64"] = Field(default="x86_64", description="The processor architecture.")
    instance: Text | None = Field(default=None, description="A cloud instance: `aws p2.xlarge`.")
    driver: Request | None = Field(default=None, description="The NVIDIA driver.")
    gcc: Request | None = Field(default=None, description="The host compiler.")
    docker: Request | None = Field(default=None, description="The container engine.")
    cpu: Text | Cpu | None = Field(default=None, description="The processor, by name or figures.")
    gpus: Many[Gpu] = Field(default=(), description="The graphics cards.")
    motherboard: Motherboard | None = Field(default=None, description="The mainboard.")
    memory: Memory | None = Field(default=None, description="Main memory.")
    storage: Many[Storage] = Field(default=(), description="The disks.")
    psu: PowerSupply | None = Field(default=None, description="The power supply.")
    case: Case | None = Field(default=None, description="The case.")
    price: Money | None = Field(default=None, description="What the machine cost.")
    electricity: EnergyPrice | None = Field(default=None, description="Price of a kWh.")
    kernel_args: Many[KernelArgument] = Field(
        default=(), description="Arguments for the kernel's command line."
    )
