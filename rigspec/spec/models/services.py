"""Models of ``[service]``."""

from typing import Annotated, Literal

from rigspec.spec.constraints import Limits, StringPattern
from rigspec.spec.tables import Field, Table
from rigspec.spec.types import (
    HOST,
    AbsolutePath,
    Address,
    Hostname,
    MachineNames,
    Many,
    Name,
    Port,
    Secret,
    VariableName,
)

__all__ = [
    "Dyndns",
    "Fail2ban",
    "Jupyter",
    "MachineService",
    "Monitoring",
    "Program",
    "Prometheus",
    "Services",
    "Ssh",
    "Tls",
    "Tmux",
    "TmuxWindow",
]

Layout = Literal[
    "even-horizontal", "even-vertical", "main-horizontal", "main-vertical", "tiled"
]  # tmux(1), select-layout
# In a window name, tmux reads `:` and `.` as its end and `#` as a format; tmuxp expands `$` and a
# leading `~`.
WindowName = Annotated[
    str,
    Limits(min_length=1, max_length=60),
    StringPattern(
        r"(?![~\s-])[^#$:.\x60\x22\\]*[^#$:.\x60\x22\\\s]",
        "expected a name without `#`, `$`, `:`, `.`, quotes and backslashes",
    ),
]
Folder = Annotated[
    str,
    Limits(max_length=500),
    StringPattern(
        r"(?:~|/[A-Za-z0-9._+@ -]*)(?:/[A-Za-z0-9._+@ -]+)*/?",
        "expected an absolute path, or one below `~`, of letters, digits and `._+@-`",
    ),
]
Command = Annotated[str, Limits(max_length=500)]


class MachineService(Table):
    """Base class of services, which can be limited to machines."""

    machines: MachineNames | None = Field(
        default=None,
        description="Machines that run it (default: all that have its environments)",
    )


class TmuxWindow(Table):
    """A window of a tmux session."""

    name: WindowName = Field(description="Name of the window")
    layout: Layout | None = Field(default=None, description="Layout of its panes")
    main_pane: Annotated[int, Limits(ge=1, le=1000)] | None = Field(
        default=None, description="Columns or lines of the main pane of a `main-` layout"
    )
    env: Name | None = Field(
        default=None, description="Environment of its panes (default: that of the session)"
    )
    folder: Folder | None = Field(
        default=None, description="Folder of its panes (default: that of the session)"
    )
    panes: Many[Command] = Field(default=(), description="Command of each pane; empty for a shell")

    def _check(self) -> None:
        if self.main_pane is not None and not (self.layout or "").startswith("main-"):
            raise ValueError("`main_pane` needs the layout `main-horizontal` or `main-vertical`")


class Tmux(MachineService):
    """A tmux session."""

    env: Name | None = Field(default=None, description="Environment of its panes")
    folder: Folder | None = Field(default=None, description="Folder of its panes")
    windows: Many[TmuxWindow] = Field(description="Windows")

    def _check(self) -> None:
        if not self.windows:
            raise ValueError("a session needs at least one window")


Exporter = Literal["node", "gpu"]


class Prometheus(Table):
    """A Prometheus server that collects the metrics of the exporters."""

    port: Port = Field(default=9090, description="Port")
    address: Address = Field(default="127.0.0.1", description="Address to listen on")
    interval: Annotated[int, Limits(ge=1, le=3600)] = Field(
        default=15, description="Scrape interval in seconds"
    )


class Monitoring(MachineService):
    """Exporters of the machine's metrics."""

    exporters: Many[Exporter] = Field(
        default=("node",),
        description="Metrics to export: `node` for the machine, `gpu` for its GPUs, on one port",
    )
    port: Port = Field(default=9100, description="Port of the exporter")
    address: Address = Field(default="127.0.0.1", description="Address to listen on")
    prometheus: bool | Prometheus = Field(
        default=False, description="Run a Prometheus server on the machine"
    )

    @property
    def prometheus_settings(self) -> Prometheus | None:
        """Return the settings of the requested Prometheus server."""
        if isinstance(self.prometheus, bool):
            return Prometheus() if self.prometheus else None
        return self.prometheus

    def _check(self) -> None:
        if not self.exporters:
            raise ValueError('expected at least one exporter: `exporters = ["node", "gpu"]`')


# In ddclient.conf, spaces and commas end a value; quotes, backslashes and `#` are special.
Login = Annotated[
    str,
    Limits(max_length=200),
    StringPattern(
        r"[A-Za-z0-9._%+:@-]+",
        "expected an account name of letters, digits and `._%+:@-`",
    ),
]
Server = Annotated[
    str,
    Limits(max_length=260),
    StringPattern(
        rf"{HOST}(?::[0-9]{{1,5}})?",
        "expected a host, optionally with a port, such as `dns.example.org`",
    ),
]
# The machine trusts the answers of the provider and of this page, so https is required.
Page = Annotated[
    str,
    Limits(max_length=500),
    StringPattern(
        rf"https://{HOST}(?::[0-9]{{1,5}})?(?:/[A-Za-z0-9._~/?&=%-]*)?",
        "expected a URL with https://, of letters, digits and `._~/?&=%-`",
    ),
]


class Dyndns(MachineService):
    """Dynamic DNS: a host name for the machine's current address."""

    hostname: Hostname = Field(description="Host name")
    protocol: Name = Field(description="Protocol of the provider, by its name in ddclient")
    credentials: Secret = Field(
        description="Password at the provider; `account:password` if the protocol needs an account "
        "and `login` is not set"
    )
    login: Login | None = Field(
        default=None, description="Account at the provider, if the protocol needs one"
    )
    server: Server | None = Field(
        default=None, description="Server of the provider (default: that of the protocol)"
    )
    zone: Hostname | None = Field(
        default=None, description="Zone of the host name, if the protocol needs it"
    )
    page: Page | None = Field(
        default=None, description="URL of a page that returns the machine's public address"
    )
    interval: Annotated[int, Limits(ge=60, le=86400)] = Field(
        default=600, description="Update interval in seconds"
    )


KeyKind = Annotated[
    str,
    StringPattern(
        r"rsa:(?:512|[1-9][0-9]{3,4})|ecdsa:(?:p256|p384)",
        "expected `rsa:` with the number of bits, such as `rsa:2048`, or `ecdsa:p256`",
    ),
]
Duration = Annotated[
    str,
    StringPattern(
        r"[1-9][0-9]{0,5}[smhdw]", "expected a number with `s`, `m`, `h`, `d` or `w`, such as `10m`"
    ),
]


class Tls(Table):
    """A self-signed certificate."""

    key: KeyKind = Field(default="rsa:2048", description="Type and size of the key")
    days: Annotated[int, Limits(ge=1, le=3650)] = Field(default=365, description="Validity in days")


class Fail2ban(Table):
    """fail2ban for sshd: ban addresses after failed logins."""

    bantime: Duration = Field(default="10m", description="Duration of a ban")
    findtime: Duration = Field(default="10m", description="Time window in which failures count")
    maxretry: Annotated[int, Limits(ge=1, le=1000)] = Field(
        default=5, description="Number of failures before a ban"
    )


class Ssh(MachineService):
    """The SSH server."""

    port: Port = Field(default=22, description="Port")
    fail2ban: bool | Fail2ban = Field(
        default=False, description="Ban addresses after failed logins"
    )

    @property
    def fail2ban_settings(self) -> Fail2ban | None:
        """Return the settings of the requested fail2ban."""
        if isinstance(self.fail2ban, bool):
            return Fail2ban() if self.fail2ban else None
        return self.fail2ban


class Jupyter(MachineService):
    """A Jupyter notebook server."""

    env: Name = Field(description="Environment to run in")
    kernels: Many[Name] = Field(
        default=(), description="Further environments that a notebook can choose as its kernel"
    )
    port: Port = Field(default=8888, description="Port")
    tls: bool | Tls = Field(default=False, description="Use TLS")
    address: Address = Field(default="127.0.0.1", description="Address to listen on")
    password: Secret | None = Field(default=None, description="Hash of the password")


# systemd reads each word of a command by itself: a control character would end it.
Argument = Annotated[
    str,
    Limits(max_length=2000),
    StringPattern(r"[^\x00-\x1f\x7f]*", "expected text without control characters"),
]


class Program(MachineService):
    """A program of an environment that runs all the time, such as an inference server."""

    env: Name = Field(description="Environment that has the program")
    command: Many[Argument] = Field(
        description="The program and its arguments; a name without `/` is in the environment"
    )
    user: Name | None = Field(
        default=None, description="Account to run as (default: an account without a password)"
    )
    folder: AbsolutePath | None = Field(
        default=None, description="Working directory (default: the home directory)"
    )
    gpus: Many[Annotated[int, Limits(ge=0, le=63)]] | None = Field(
        default=None, description="GPUs, as nvidia-smi numbers them (default: all)"
    )
    port: Port | None = Field(default=None, description="Port that the program listens on")
    address: Address = Field(default="127.0.0.1", description="Address that the program listens on")
    variables: dict[VariableName, Argument] = Field(default={}, description="Environment variables")
    secrets: dict[VariableName, Secret] = Field(
        default={}, description="Environment variables with secrets, such as `HF_TOKEN`"
    )

    def _check(self) -> None:
        if not self.command:
            raise ValueError('expected a program: `command = ["vllm", "serve"]`')
        twice = sorted(self.variables.keys() & self.secrets.keys())
        if twice:
            raise ValueError(f"`{twice[0]}` is in `variables` and in `secrets`")


class Services(Table):
    """The services of a rig."""

    ssh: Ssh | None = Field(default=None, description="SSH server")
    jupyter: Jupyter | None = Field(default=None, description="Jupyter notebook server")
    tmux: dict[Name, Tmux] = Field(default={}, description="tmux sessions, by name")
    program: dict[Name, Program] = Field(
        default={}, description="Programs of environments that run all the time, by name"
    )
    dyndns: Dyndns | None = Field(default=None, description="Dynamic DNS")
    monitoring: Monitoring | None = Field(
        default=None, description="Metrics of the machine and its GPUs for Prometheus"
    )
