"""``[service]``, ``[user]``, ``[download]`` and ``[mirrors]``."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from rigspec.spec.image_reference import REGISTRY
from rigspec.spec.quantities import Size
from rigspec.spec.types import (
    HOST,
    AbsolutePath,
    Address,
    AptMirror,
    GroupName,
    Hostname,
    Many,
    Name,
    Port,
    Secret,
    Sha256,
    StringPattern,
    Table,
    Url,
    validate_ssh_key,
)

__all__ = [
    "Download",
    "Dyndns",
    "Fail2ban",
    "Jupyter",
    "Mirrors",
    "Monitoring",
    "Prometheus",
    "Services",
    "Ssh",
    "Tls",
    "Tmux",
    "TmuxWindow",
    "User",
]

Layout = Literal[
    "even-horizontal", "even-vertical", "main-horizontal", "main-vertical", "tiled"
]  # tmux(1), select-layout
# tmux reads `:` and `.` in a window's name as the end of it and `#` as a format, tmuxp `$` and a
# first `~` as a shell does.
WindowName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=60),
    StringPattern(
        r"(?![~\s-])[^#$:.\x60\x22\\]*[^#$:.\x60\x22\\\s]",
        "write a name without `#`, `$`, `:`, `.`, quotes and backslashes",
    ),
]
Folder = Annotated[
    str,
    StringConstraints(max_length=500),
    StringPattern(
        r"(?:~|/)(?:(?:(?<!~)|/)[A-Za-z0-9._+@ -]+)*/?",
        "write an absolute path, or one below `~`, of letters, digits and `._+@-`",
    ),
]
Command = Annotated[str, StringConstraints(max_length=500)]


class TmuxWindow(Table):
    """A window of a tmux session."""

    name: WindowName = Field(description="Its name.")
    layout: Layout | None = Field(default=None, description="How its panes are laid out.")
    main_pane: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Columns, or lines, of the main pane of a `main-` layout."
    )
    env: Name | None = Field(
        default=None, description="The environment its panes begin in, where not the session's."
    )
    folder: Folder | None = Field(
        default=None, description="The folder its panes begin in, where not the session's."
    )
    panes: Many[Command] = Field(
        default=(), description="The command of each pane; empty for a shell."
    )

    @model_validator(mode="after")
    def _main_pane_has_a_layout(self) -> "TmuxWindow":
        if self.main_pane is not None and not (self.layout or "").startswith("main-"):
            raise ValueError("`main_pane` goes with `main-horizontal` or `main-vertical`")
        return self


class Tmux(Table):
    """A tmux session that one command loads."""

    env: Name | None = Field(default=None, description="The environment its panes begin in.")
    folder: Folder | None = Field(default=None, description="The folder its panes begin in.")
    windows: Many[TmuxWindow] = Field(description="Its windows.")

    @model_validator(mode="after")
    def _has_windows(self) -> "Tmux":
        if not self.windows:
            raise ValueError("a session has at least one window")
        return self


Exporter = Literal["node", "gpu"]


class Prometheus(Table):
    """A Prometheus that keeps what the exporters tell."""

    port: Port = Field(default=9090, description="The port it listens on.")
    address: Address = Field(default="127.0.0.1", description="Where it listens.")
    interval: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=15, description="How often it asks, in seconds."
    )


class Monitoring(Table):
    """Exporters of the machine's own figures."""

    exporters: Many[Exporter] = Field(
        default=("node",),
        description="`node` tells of the machine; `gpu` of its GPUs, through the same exporter.",
    )
    port: Port = Field(default=9100, description="The port the exporter listens on.")
    address: Address = Field(default="127.0.0.1", description="Where it listens.")
    prometheus: bool | Prometheus = Field(
        default=False, description="Whether a Prometheus on the machine keeps the figures."
    )

    @property
    def keeper(self) -> Prometheus | None:
        """The Prometheus that was asked for."""
        if isinstance(self.prometheus, bool):
            return Prometheus() if self.prometheus else None
        return self.prometheus

    @model_validator(mode="after")
    def _has_exporters(self) -> "Monitoring":
        if not self.exporters:
            raise ValueError('name what to tell of: `exporters = ["node", "gpu"]`')
        return self


# ddclient ends a value at a blank or a comma, and reads quotes, backslashes and `#` in its own way.
Login = Annotated[
    str,
    StringConstraints(max_length=200),
    StringPattern(
        r"[A-Za-z0-9._%+:@-]+",
        "write the provider's name of the account: letters, digits and `._%+:@-`",
    ),
]
Server = Annotated[
    str,
    StringConstraints(max_length=260),
    StringPattern(
        rf"{HOST}(?::[0-9]{{1,5}})?", "write a host, with its port if need be: `dns.example.org`"
    ),
]
# Of the provider and of whoever tells the address a machine believes what they say.
Page = Annotated[
    str,
    StringConstraints(max_length=500),
    StringPattern(
        rf"https://{HOST}(?::[0-9]{{1,5}})?(?:/[A-Za-z0-9._~/?&=%-]*)?",
        "write an address with https://, of letters, digits and `._~/?&=%-`",
    ),
]


class Dyndns(Table):
    """A name that follows the machine's address."""

    hostname: Hostname = Field(description="The name.")
    protocol: Name = Field(description="The provider's protocol, as ddclient calls it.")
    credentials: Secret = Field(
        description="The provider's password; `account:password` where there is no `login` and "
        "the protocol asks for one."
    )
    login: Login | None = Field(
        default=None, description="The account at the provider, where the protocol has one."
    )
    server: Server | None = Field(
        default=None, description="The provider's server, where not the protocol's own."
    )
    zone: Hostname | None = Field(
        default=None, description="The zone that the name is in, where the protocol asks for it."
    )
    page: Page | None = Field(
        default=None, description="A page that tells the machine's address from outside."
    )
    interval: Annotated[int, Field(ge=60, le=86400)] = Field(
        default=600, description="How often the address is looked up, in seconds."
    )


KeyKind = Annotated[
    str,
    StringPattern(
        r"rsa:(?:512|[1-9][0-9]{3,4})|ecdsa:(?:p256|p384)",
        "write `rsa:2048` with the number of bits, or `ecdsa:p256`",
    ),
]
Registry = Annotated[
    str,
    StringPattern(
        REGISTRY, "write a registry as an image begins: `registry.example.org:5000/folder`"
    ),
]
Duration = Annotated[
    str,
    StringPattern(r"[1-9][0-9]{0,5}[smhdw]", "write a number and `s`, `m`, `h`, `d` or `w`: `10m`"),
]
SshKey = Annotated[
    str,
    StringConstraints(max_length=8192),
    StringPattern(
        r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)"
        r"|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) "
        r"[A-Za-z0-9+/]+={0,2}(?: [A-Za-z0-9@._ -]*)?",
        "write a public key as ssh-keygen does: `ssh-ed25519 AAAA… comment`",
    ),
    AfterValidator(validate_ssh_key),
]


class Tls(Table):
    """A certificate made on the machine."""

    key: KeyKind = Field(default="rsa:2048", description="Kind and size of its key.")
    days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=365, description="How long it is valid."
    )


class Fail2ban(Table):
    """Who guesses at the secure shell is kept away for a while."""

    bantime: Duration = Field(default="10m", description="How long an address is kept away.")
    findtime: Duration = Field(default="10m", description="Within what time its failures count.")
    maxretry: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="How many failures are too many."
    )


class Ssh(Table):
    """The secure shell."""

    port: Port = Field(default=22, description="The port it listens on.")
    fail2ban: bool | Fail2ban = Field(
        default=False, description="Whether fail2ban keeps those away who guess."
    )

    @property
    def guard(self) -> Fail2ban | None:
        """The fail2ban that was asked for."""
        if isinstance(self.fail2ban, bool):
            return Fail2ban() if self.fail2ban else None
        return self.fail2ban


class Jupyter(Table):
    """A notebook server."""

    env: Name = Field(description="The environment it runs in.")
    port: Port = Field(default=8888, description="The port it listens on.")
    tls: bool | Tls = Field(default=False, description="Whether it speaks TLS.")
    address: Address = Field(default="127.0.0.1", description="Where it listens.")
    password: Secret | None = Field(default=None, description="The hash of its password.")


class Services(Table):
    """The services of a rig."""

    ssh: Ssh | None = Field(default=None, description="The secure shell.")
    jupyter: Jupyter | None = Field(default=None, description="A notebook server.")
    tmux: dict[Name, Tmux] = Field(default={}, description="tmux sessions, by name.")
    dyndns: Dyndns | None = Field(default=None, description="Dynamic DNS.")
    monitoring: Monitoring | None = Field(
        default=None, description="Figures of the machine and its GPUs, for Prometheus."
    )


class Download(Table):
    """A file of the rig's own."""

    url: Url = Field(description="Where it comes from.")
    to: AbsolutePath = Field(description="Where it goes.")
    sha256: Sha256 | None = Field(default=None, description="Its checksum.")


class User(Table):
    """An account."""

    gpus: Many[Annotated[int, Field(ge=0, le=63)]] | None = Field(
        default=None, description="The GPUs this user may use, counted from 0."
    )
    jupyter_port: Port | None = Field(default=None, description="The port of their notebook.")
    groups: Many[GroupName] = Field(
        default=(), description="Groups of the system, or of `[system] groups`, they belong to."
    )
    envs: Many[Name] | None = Field(
        default=None, description="The environments they may use; all of them without this."
    )
    quota: Size | None = Field(
        default=None, description="How much of the disk with their home they may fill."
    )
    ssh_keys: Many[SshKey] = Field(default=(), description="Their public keys.")


class Mirrors(Table):
    """Where downloads come from instead."""

    pypi: Url | None = Field(default=None, description="A Python package index.")
    apt: AptMirror | None = Field(
        default=None,
        description=(
            "A mirror of the distribution. `{distribution}` stands for the archive's name "
            "(debian, debian-security, ubuntu), `{snapshot}` for the moment that is locked."
        ),
    )
    conda: Url | None = Field(default=None, description="A mirror of conda channels.")
    nvidia: Url | None = Field(default=None, description="A mirror of NVIDIA's downloads.")
    files: Url | None = Field(default=None, description="A folder of files by name.")
    seed: Url | None = Field(
        default=None,
        description=(
            "A folder from which a machine's first boot fetches what is too long for its "
            "provider's user-data: the files of `cloud-init/seed/`."
        ),
    )
    images: Registry | None = Field(
        default=None, description="A registry for images that name none: `host:port/folder`."
    )
