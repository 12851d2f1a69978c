"""Model of ``[user]``."""

from typing import Annotated

from rigspec.spec.constraints import AfterValidator, Limits, StringPattern
from rigspec.spec.quantities import Size
from rigspec.spec.tables import Field, Table
from rigspec.spec.types import (
    GroupName,
    Many,
    Name,
    Port,
    validate_ssh_key,
)

__all__ = ["User"]


SshKey = Annotated[
    str,
    Limits(max_length=8192),
    StringPattern(
        r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)"
        r"|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) "
        r"[A-Za-z0-9+/]+={0,2}(?: [A-Za-z0-9@._ -]*)?",
        "expected a public key in OpenSSH format: `ssh-ed25519 AAAA… comment`",
    ),
    AfterValidator(validate_ssh_key),
]


class User(Table):
    """A user account."""

    gpus: Many[Annotated[int, Limits(ge=0, le=63)]] | None = Field(
        default=None, description="GPUs of this user, counted from 0"
    )
    jupyter_port: Port | None = Field(
        default=None, description="Port of the user's notebook server"
    )
    groups: Many[GroupName] = Field(
        default=(), description="Groups of the user: existing ones or those of `[system] groups`"
    )
    envs: Many[Name] | None = Field(
        default=None, description="Environments of the user (default: all)"
    )
    quota: Size | None = Field(
        default=None, description="Disk quota on the file system of the home directory"
    )
    ssh_keys: Many[SshKey] = Field(default=(), description="Public SSH keys")
