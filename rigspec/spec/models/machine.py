"""``[machine.NAME]``: the hardware and what runs on it before anything is installed."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from rigspec.spec.quantities import EnergyPrice, Length, Money, Size
from rigspec.spec.types import Many, Name, Request, StringPattern, SystemRequest, Table, Text

__all__ = [
    "PARTS_AND_PRICES",
    "Case",
    "Cpu",
    "Gpu",
    "Machine",
    "Memory",
    "Motherboard",
    "Part",
    "PowerSupply",
    "Storage",
]

Count = Annotated[int, Field(ge=1, le=64)]
# What GRUB and the kernel's own command line take as one word, without any quotes.
KernelArgument = Annotated[
    str,
    StringConstraints(max_length=200),
    StringPattern(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:=[A-Za-z0-9_.,:/@+=%!-]*)?",
        "write one argument, `name` or `name=value`, without spaces, quotes or `$`",
    ),
]
Watts = Annotated[int, Field(ge=1, le=20000)]
IdleWatts = Annotated[int, Field(ge=0, le=20000)]
Slot = Annotated[str, StringPattern(r"x(?:1|2|4|8|16)", "write a slot by its lanes: `x16`")]
Hours = Annotated[float, Field(ge=0, le=24, strict=False)]


class Gpu(Table):
    """A kind of graphics card, and how many of it."""

    model: Text = Field(description="The card's name, as people write it.")
    count: Count = Field(default=1, description="How many of them.")
    compute_capability: Request | None = Field(
        default=None, description="For a card that the matrix does not know: `6.1`."
    )
    memory: Size | None = Field(default=None, description="Memory of one GPU.")
    watts: Watts | None = Field(default=None, description="Board power under load.")
    idle_watts: IdleWatts | None = Field(default=None, description="Power of one when idle.")
    length: Length | None = Field(default=None, description="Length of the card.")
    price: Money | None = Field(default=None, description="What one of them cost.")


class Cpu(Table):
    """A processor, told in figures."""

    model: Text = Field(description="The processor's name.")
    cores: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None, description="Physical cores."
    )
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None, description="Hardware threads."
    )
    pcie_lanes: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="PCIe lanes of the processor itself."
    )
    memory: Text | None = Field(default=None, description="The memory type it takes: `DDR4`.")
    watts: Watts | None = Field(default=None, description="Thermal design power.")
    idle_watts: IdleWatts | None = Field(default=None, description="Power when idle.")
    price: Money | None = Field(default=None, description="What it cost.")
    features: Many[Text] | None = Field(
        default=None, description="Instruction sets, as /proc/cpuinfo names them: `avx`."
    )


class Motherboard(Table):
    """A mainboard."""

    model: Text = Field(description="The board's name.")
    memory: Text | None = Field(default=None, description="The memory type it takes.")
    memory_max: Size | None = Field(default=None, description="The most memory it takes.")
    memory_slots: Count | None = Field(default=None, description="Slots for memory modules.")
    slots: Many[Slot] = Field(default=(), description='PCIe slots: `["x16", "x8"]`.')
    watts: Watts | None = Field(default=None, description="Power under load, without its parts.")
    idle_watts: IdleWatts | None = Field(default=None, description="Power when idle.")
    price: Money | None = Field(default=None, description="What it cost.")


class Memory(Table):
    """Main memory."""

    size: Size = Field(description="All modules together.")
    type: Text | None = Field(default=None, description="`DDR4`.")
    modules: Count | None = Field(default=None, description="How many modules.")
    speed: Annotated[int, Field(ge=100, le=20000)] | None = Field(
        default=None, description="Transfer rate in MT/s."
    )
    watts: Watts | None = Field(default=None, description="Power under load, all modules.")
    idle_watts: IdleWatts | None = Field(default=None, description="Power when idle, all modules.")
    price: Money | None = Field(default=None, description="What all modules cost.")


class Storage(Table):
    """A disk."""

    size: Size = Field(description="Its size.")
    kind: Literal["ssd", "nvme", "hdd"] = Field(description="What kind of disk.")
    count: Count = Field(default=1, description="How many of them.")
    watts: Watts | None = Field(default=None, description="Power of one under load.")
    idle_watts: IdleWatts | None = Field(default=None, description="Power of one when idle.")
    price: Money | None = Field(default=None, description="What one of them cost.")


class PowerSupply(Table):
    """A power supply."""

    watts: Watts = Field(description="What it delivers.")
    model: Text | None = Field(default=None, description="Its name.")
    efficiency: Text | None = Field(default=None, description="Its grade: `80+ gold`.")
    mains_volts: Literal[115, 230] | None = Field(
        default=None, description="The mains it hangs on: grades promise other values on each."
    )
    price: Money | None = Field(default=None, description="What it cost.")


class Case(Table):
    """A case."""

    model: Text = Field(description="Its name.")
    gpu_clearance: Annotated[Many[Length], Field(min_length=1)] | Length | None = Field(
        default=None,
        description="The longest card it takes; where slots differ, slot by slot from the top.",
    )
    price: Money | None = Field(default=None, description="What it cost.")


class Part(Table):
    """Anything else that draws power or costs money: a cooler, fans, a network card."""

    model: Text = Field(description="Its name.")
    count: Count = Field(default=1, description="How many of them.")
    watts: Watts | None = Field(default=None, description="Power of one under load.")
    idle_watts: IdleWatts | None = Field(default=None, description="Power of one when idle.")
    price: Money | None = Field(default=None, description="What one of them cost.")


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
    other: Many[Part] = Field(default=(), description="Other parts: coolers, fans, cards.")
    price: Money | None = Field(default=None, description="What the machine cost.")
    budget: Money | None = Field(default=None, description="What it must not exceed.")
    electricity: EnergyPrice | None = Field(default=None, description="Price of a kWh.")
    hours: Hours | None = Field(default=None, description="Hours a day that it computes.")
    idle_hours: Hours = Field(default=0, description="Hours a day that it is on and idle.")
    against: Name | None = Field(
        default=None, description="The rented machine of this rig that its price is held against."
    )
    kernel_args: Many[KernelArgument] = Field(
        default=(), description="Arguments for the kernel's command line."
    )

    @property
    def named_cpu(self) -> str | None:
        """The processor's name, where the spec does not list what it can do itself."""
        if isinstance(self.cpu, Cpu):
            return self.cpu.model if self.cpu.features is None else None
        return self.cpu


# What no version depends on: no lock grows stale because a disk or the price of a kWh changed.
PARTS_AND_PRICES: Final[dict[str, Any]] = {
    "motherboard": True,
    "memory": True,
    "storage": True,
    "psu": True,
    "case": True,
    "other": True,
    "price": True,
    "budget": True,
    "electricity": True,
    "hours": True,
    "idle_hours": True,
    "against": True,
    "gpus": {"__all__": {"memory", "watts", "idle_watts", "length", "price"}},
}
