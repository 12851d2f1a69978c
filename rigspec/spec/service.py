"""``[service]``, ``[user]``, ``[download]`` and ``[mirrors]``."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from rigspec.spec.dyndns import Dyndns
from rigspec.spec.fields import (
    AbsolutePath,
    Address,
    AptMirror,
    GroupName,
    Many,
    Name,
    Port,
    Secret,
    Sha256,
    StringPattern,
    Table,
    Url,
)
from rigspec.spec.image import REGISTRY
from rigspec.spec.monitoring import Monitoring
from rigspec.spec.public_key import validate_ssh_key
from rigspec.spec.terminal import Tmux
from rigspec.spec.units import Size

__all__ = ["Download", "Fail2ban", "Jupyter", "Mirrors", "Services", "Ssh", "Tls", "User"]

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
