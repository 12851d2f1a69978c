"""Models of ``[machine.NAME]``: hardware, operating system and driver."""

from typing import Annotated, Any, Final, Literal

from rigspec.spec.constraints import BeforeValidator, Limits, StringPattern
from rigspec.spec.quantities import EnergyPrice, Length, Money, Size
from rigspec.spec.tables import Field, Table
from rigspec.spec.types import (
    NO_DRIVER,
    DriverRequest,
    Many,
    Name,
    ReleaseNumber,
    Request,
    SystemRequest,
    Text,
)

__all__ = [
    "PARTS_AND_PRICES",
    "Case",
    "ContainerEngine",
    "Cpu",
    "Driver",
    "Gpu",
    "Machine",
    "Memory",
    "Motherboard",
    "Part",
    "PowerSupply",
    "Storage",
]

Count = Annotated[int, Limits(ge=1, le=64)]
# One argument for GRUB and the kernel command line, without quotes.
KernelArgument = Annotated[
    str,
    Limits(max_length=200),
    StringPattern(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:=[A-Za-z0-9_.,:/@+=%!-]*)?",
        "expected one argument, `name` or `name=value`, without spaces, quotes or `$`",
    ),
]
Watts = Annotated[int, Limits(ge=1, le=20000)]
IdleWatts = Annotated[int, Limits(ge=0, le=20000)]
Slot = Annotated[
    str, StringPattern(r"x(?:1|2|4|8|16)", "expected a slot by its lanes, such as `x16`")
]
Hours = Annotated[float, Limits(ge=0, le=24, strict=False)]


class Gpu(Table):
    """One or more graphics cards of one model."""

    model: Text = Field(description="Name of the card")
    count: Count = Field(default=1, description="Number of them")
    compute_capability: Request | None = Field(
        default=None,
        description="Compute capability of a card that the matrix does not know, such as `6.1`",
    )
    memory: Size | None = Field(default=None, description="Memory of one GPU")
    watts: Watts | None = Field(default=None, description="Board power under load")
    idle_watts: IdleWatts | None = Field(default=None, description="Power of one when idle")
    length: Length | None = Field(default=None, description="Length of the card")
    price: Money | None = Field(default=None, description="Price of one")


def _name_as_table(value: Any) -> Any:
    """Return the table of a card that is given by its name."""
    return {"model": value} if isinstance(value, str) else value


GpuEntry = Annotated[Gpu, BeforeValidator(_name_as_table, input_type=str | Gpu)]


class Cpu(Table):
    """A processor with its figures."""

    model: Text = Field(description="Name of the processor")
    cores: Annotated[int, Limits(ge=1, le=1024)] | None = Field(
        default=None, description="Physical cores"
    )
    threads: Annotated[int, Limits(ge=1, le=1024)] | None = Field(
        default=None, description="Hardware threads"
    )
    pcie_lanes: Annotated[int, Limits(ge=1, le=256)] | None = Field(
        default=None, description="PCIe lanes of the processor"
    )
    memory: Text | None = Field(default=None, description="Supported memory type, such as `DDR4`")
    watts: Watts | None = Field(default=None, description="Thermal design power")
    idle_watts: IdleWatts | None = Field(default=None, description="Power when idle")
    price: Money | None = Field(default=None, description="Price")
    features: Many[Text] | None = Field(
        default=None,
        description="Instruction sets with their names in /proc/cpuinfo, such as `avx`",
    )


class Motherboard(Table):
    """A motherboard."""

    model: Text = Field(description="Name of the board")
    memory: Text | None = Field(default=None, description="Supported memory type")
    memory_max: Size | None = Field(default=None, description="Maximum size of the memory")
    memory_slots: Count | None = Field(default=None, description="Number of memory slots")
    slots: Many[Slot] = Field(default=(), description='PCIe slots, such as `["x16", "x8"]`')
    watts: Watts | None = Field(default=None, description="Power under load, without other parts")
    idle_watts: IdleWatts | None = Field(default=None, description="Power when idle")
    price: Money | None = Field(default=None, description="Price")


class Memory(Table):
    """Main memory."""

    size: Size = Field(description="Size of all modules together")
    type: Text | None = Field(default=None, description="Memory type, such as `DDR4`")
    modules: Count | None = Field(default=None, description="Number of modules")
    speed: Annotated[int, Limits(ge=100, le=20000)] | None = Field(
        default=None, description="Transfer rate in MT/s"
    )
    watts: Watts | None = Field(default=None, description="Power of all modules under load")
    idle_watts: IdleWatts | None = Field(default=None, description="Power of all modules when idle")
    price: Money | None = Field(default=None, description="Price of all modules")


class Storage(Table):
    """A disk."""

    size: Size = Field(description="Size of one disk")
    kind: Literal["ssd", "nvme", "hdd"] = Field(description="Type of the disk")
    count: Count = Field(default=1, description="Number of them")
    watts: Watts | None = Field(default=None, description="Power of one under load")
    idle_watts: IdleWatts | None = Field(default=None, description="Power of one when idle")
    price: Money | None = Field(default=None, description="Price of one")


class PowerSupply(Table):
    """A power supply."""

    watts: Watts = Field(description="Rated power")
    model: Text | None = Field(default=None, description="Model")
    efficiency: Text | None = Field(
        default=None, description="Efficiency grade, such as `80+ gold`"
    )
    mains_volts: Literal[115, 230] | None = Field(
        default=None, description="Mains voltage; the efficiency of a grade depends on it"
    )
    price: Money | None = Field(default=None, description="Price")


class Case(Table):
    """A case."""

    model: Text = Field(description="Model")
    gpu_clearance: Annotated[Many[Length], Limits(min_length=1)] | Length | None = Field(
        default=None,
        description="Maximum length of a card; a list gives it for each slot, from the top",
    )
    price: Money | None = Field(default=None, description="Price")


class Part(Table):
    """Another part that draws power or has a price: a cooler, fans, a network card."""

    model: Text = Field(description="Model")
    count: Count = Field(default=1, description="Number of them")
    watts: Watts | None = Field(default=None, description="Power of one under load")
    idle_watts: IdleWatts | None = Field(default=None, description="Power of one when idle")
    price: Money | None = Field(default=None, description="Price of one")


class Driver(Table):
    """The NVIDIA driver: its version, where it is installed from, and its kernel modules."""

    version: Request | None = Field(default=None, description="Version")
    from_: Literal["nvidia", "distribution", "runfile", "none"] | None = Field(
        default=None,
        alias="from",
        description="Source of the driver, `none` if the machine has it (default: that of the "
        "toolkit, else what the OS has)",
    )
    modules: Literal["open", "proprietary"] | None = Field(
        default=None,
        description="Kernel modules (default: open on Turing and newer since driver 560)",
    )


class ContainerEngine(Table):
    """The container engine: its version, and where it is installed from."""

    version: Request = Field(default="*", description="Version")
    from_: Literal["distribution", "none"] = Field(
        default="distribution",
        alias="from",
        description="Source of the engine, `none` if the machine has it",
    )


class Machine(Table):
    """A machine of the rig."""

    kind: Literal["on-premise", "cloud", "wsl"] = Field(
        default="on-premise",
        description="Owned or rented machine, or the Windows Subsystem for Linux (WSL 2)",
    )
    os: SystemRequest | None = Field(
        default=None, description="Operating system, such as `ubuntu 16.04` or `debian >=11`"
    )
    arch: Literal["x86_64", "aarch64"] | None = Field(
        default=None,
        description="Processor architecture; by default that of the instance or GPU, else x86_64",
    )
    instance: Text | None = Field(
        default=None, description="Cloud instance type, such as `aws p2.xlarge`"
    )
    driver: DriverRequest | Driver | None = Field(
        default=None,
        description='NVIDIA driver: a version, a table, or `"none"` if the machine has one',
    )
    gcc: Request | None = Field(default=None, description="Version of the host compiler")
    glibc: ReleaseNumber | None = Field(
        default=None,
        description="Version of the C library, for a system that the matrix does not know",
    )
    docker: Request | ContainerEngine | None = Field(
        default=None,
        description="Container engine, with access to the GPUs: a version or a table",
    )
    cpu: Text | Cpu | None = Field(default=None, description="Processor: a name or a table")
    gpus: Many[GpuEntry] = Field(
        default=(), description='Graphics cards, by name (`["RTX 4090"]`) or as tables'
    )
    motherboard: Motherboard | None = Field(default=None, description="Motherboard")
    memory: Memory | None = Field(default=None, description="Main memory")
    storage: Many[Storage] = Field(default=(), description="Disks")
    psu: PowerSupply | None = Field(default=None, description="Power supply")
    case: Case | None = Field(default=None, description="Case")
    other: Many[Part] = Field(
        default=(), description="Other parts, such as coolers, fans and cards"
    )
    price: Money | None = Field(default=None, description="Price of the machine")
    budget: Money | None = Field(default=None, description="Maximum price")
    electricity: EnergyPrice | None = Field(default=None, description="Electricity price per kWh")
    hours: Hours | None = Field(default=None, description="Hours per day under load")
    idle_hours: Hours = Field(default=0, description="Hours per day on and idle")
    against: Name | None = Field(
        default=None, description="Rented machine of this rig for the price comparison"
    )
    kernel_args: Many[KernelArgument] = Field(
        default=(), description="Arguments for the kernel command line"
    )

    @property
    def is_rented(self) -> bool:
        """Return whether the machine is a cloud instance, whether `kind` says so or not."""
        return self.kind == "cloud" or self.instance is not None

    @property
    def driver_version(self) -> str | None:
        """The requested version of the driver."""
        if isinstance(self.driver, Driver):
            return self.driver.version
        return None if self.driver == NO_DRIVER else self.driver

    @property
    def driver_source(self) -> str | None:
        """Return the source of the driver; `none` if rigspec does not install it."""
        if self.kind == "wsl":
            return NO_DRIVER
        if isinstance(self.driver, Driver):
            return self.driver.from_
        return NO_DRIVER if self.driver == NO_DRIVER else None

    @property
    def kernel_modules(self) -> str | None:
        """The requested kernel modules of the driver."""
        return self.driver.modules if isinstance(self.driver, Driver) else None

    @property
    def engine_version(self) -> str | None:
        """The requested version of the container engine; None without an engine."""
        return self.docker.version if isinstance(self.docker, ContainerEngine) else self.docker

    @property
    def installs_engine(self) -> bool:
        """Return whether the rig requests a container engine that the machine does not have."""
        if isinstance(self.docker, ContainerEngine):
            return self.docker.from_ != "none"
        return self.docker is not None

    @property
    def named_cpu(self) -> str | None:
        """Return the processor's name if the spec does not list its features."""
        if isinstance(self.cpu, Cpu):
            return self.cpu.model if self.cpu.features is None else None
        return self.cpu


# Keys that no version depends on: changing them does not make a lock out of date.
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
