"""String and number types of the spec language."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from rigspec.spec.constraints import (
    AfterValidator,
    ArrayAsTuple,
    BeforeValidator,
    Limits,
    StringPattern,
)
from rigspec.spec.system_names import normalize_system
from rigspec.spec.tables import Field, InvalidValue, Table
from rigspec.spec.toml.numbers import WrittenFloat
from rigspec.version_specifiers import InvalidRequest, parse_alternative, parse_specifier

__all__ = [
    "HOST",
    "NO_DRIVER",
    "AbsolutePath",
    "Address",
    "AptMirror",
    "DriverRequest",
    "FrameworkRequest",
    "GroupName",
    "Hostname",
    "MachineNames",
    "Many",
    "Name",
    "PackageName",
    "Port",
    "ReleaseNumber",
    "Request",
    "Secret",
    "SeedUrl",
    "Sha256",
    "SystemPackage",
    "SystemRequest",
    "Text",
    "Url",
    "VariableName",
    "has_apt",
    "validate_ssh_key",
]

# Number of fields in a key of each type (RFC 4253, RFC 5656, RFC 8709, OpenSSH's PROTOCOL.u2f).
_FIELD_COUNTS = {
    "ssh-ed25519": 2,
    "ssh-rsa": 3,
    "ecdsa-sha2-nistp256": 3,
    "ecdsa-sha2-nistp384": 3,
    "ecdsa-sha2-nistp521": 3,
    "sk-ssh-ed25519@openssh.com": 3,
    "sk-ecdsa-sha2-nistp256@openssh.com": 4,
}


def validate_ssh_key(text: str) -> str:
    """Return the key unchanged.

    Raises:
        InvalidValue: if the key is truncated or was edited.

    """
    kind, encoded, *_ = text.split(" ")
    try:
        fields = list(_iterate_fields(base64.b64decode(encoded, validate=True)))
    except (binascii.Error, ValueError):
        fields = []
    if len(fields) != _FIELD_COUNTS[kind] or fields[0] != kind.encode():
        message = f"incomplete {kind} key; copy it again from the `.pub` file"
        raise InvalidValue("pattern", message)
    return text


def _iterate_fields(data: bytes) -> Iterator[bytes]:
    """Yield the fields of a key; each is preceded by its length.

    Raises:
        ValueError: if the data is truncated.

    """
    while data:
        length, data = int.from_bytes(data[:4], "big"), data[4:]
        if length > len(data) or not length:
            raise ValueError("truncated key")
        yield data[:length]
        data = data[length:]


# What `driver` is where the machine has it already.
NO_DRIVER = "none"

# The systems whose package manager the steps use.
_WITH_APT = frozenset({"debian", "ubuntu"})


def _number_as_text(value: Any) -> Any:
    """Return the text of a number, as people write versions without quotes."""
    if isinstance(value, WrittenFloat):
        return value.text
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _table_as_request(value: Any) -> Any:
    """Return the request of ``{ version = "2.4", build = "cu121" }``: ``+cu121 2.4``."""
    if isinstance(value, dict) and value.keys() <= {"version", "build"} and "build" in value:
        # Errors name the key in the table.
        request = FrameworkBuild.model_validate(value)
        return f"+{request.build} {request.version}".removesuffix(" *")
    return _number_as_text(value)


def _validate_framework_request(text: str) -> str:
    if not text.startswith("+"):
        return _validate_request(text)
    try:
        parse_alternative(text)
    except InvalidRequest as error:
        raise InvalidValue("version", str(error)) from None
    return text


def _validate_request(text: str) -> str:
    try:
        parse_specifier(text)
    except InvalidRequest as error:
        raise InvalidValue("version", str(error)) from None
    return text


def _validate_driver_request(text: str) -> str:
    return text if text == NO_DRIVER else _validate_request(text)


def _validate_system_request(text: str) -> str:
    text = normalize_system(text)
    try:
        if parse_alternative(text).family is not None:
            return text
    except InvalidRequest:
        pass
    message = "expected a system and its version, such as `ubuntu 16.04` or `debian >=11`"
    raise InvalidValue("version", message)


T = TypeVar("T")
Many = Annotated[tuple[T, ...], ArrayAsTuple()]  # TOML arrays are read as tuples

Request = Annotated[
    str,
    BeforeValidator(_number_as_text, input_type=str | float),
    AfterValidator(_validate_request),
]
ReleaseNumber = Annotated[
    str,
    BeforeValidator(_number_as_text, input_type=str | float),
    StringPattern(r"[0-9]{1,4}\.[0-9]{1,4}", "expected a version such as `2.35`"),
]
DriverRequest = Annotated[str, AfterValidator(_validate_driver_request)]
SystemRequest = Annotated[str, AfterValidator(_validate_system_request)]
Text = Annotated[
    str,
    Limits(min_length=1, max_length=200),
    StringPattern(r".*\S.*", "must not be blank"),
]
Name = Annotated[
    str,
    StringPattern(
        r"[a-z][a-z0-9_-]{0,31}",
        "expected lower-case letters, digits, `-` and `_`, starting with a letter",
    ),
]
# An empty array would leave no machine.
MachineNames = Annotated[Many[Name], Limits(min_length=1)]
VariableName = Annotated[
    str,
    StringPattern(r"[A-Za-z_][A-Za-z0-9_]{0,199}", "expected the name of an environment variable"),
]
GroupName = Annotated[
    str,
    StringPattern(r"[a-z_][a-z0-9_-]{0,31}", "expected lower-case letters, digits, `-` and `_`"),
]
PackageName = Annotated[
    str,
    Limits(max_length=200),
    StringPattern(
        r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?",
        "expected the name of a Python package; extras belong in the value: `[extra]==1.0`",
    ),
]
SystemPackage = Annotated[
    str,
    Limits(max_length=200),
    # apt reads `name-` as a request to remove the package, and `.+` as a regular expression.
    StringPattern(
        r"(?!.*\.\+)[a-z0-9][a-z0-9+.-]*[a-z0-9+.]",
        "expected a package name of lower-case letters, digits, `+`, `-` and `.`",
    ),
]
_HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST = rf"{_HOST_LABEL}(?:\.{_HOST_LABEL})*\.?"
Address = Annotated[
    str,
    Limits(max_length=253),
    StringPattern(
        rf"\*|[0-9a-fA-F.]*:[0-9a-fA-F:.]*|{HOST}",
        'expected a host name, an IP address, or `"*"` for all network interfaces',
    ),
]
Hostname = Annotated[str, Limits(max_length=253), StringPattern(HOST, "expected a host name")]
# RFC 3986 without user names. Brackets only around an IPv6 address, because curl expands `[1-9]`.
_SERVER = rf"https?://(?:{HOST}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?(?![^/?#])|file://(?=/)"
_REST = r"[A-Za-z0-9._~:/?#@!&()*+,;=%-]"
Url = Annotated[
    str,
    Limits(max_length=2048),
    StringPattern(
        rf"(?:{_SERVER}){_REST}*",
        "expected a URL with https://, http:// or file://, without spaces or quotes",
    ),
]
# A bucket of S3 or of Google Cloud Storage, and a folder in it.
SeedUrl = Annotated[
    str,
    Limits(max_length=2048),
    StringPattern(
        rf"(?:{_SERVER}){_REST}*|(?:s3|gs)://[a-z0-9][a-z0-9._-]{{1,61}}[a-z0-9](?:/[A-Za-z0-9._~/-]*)?",
        "expected a URL with https://, http://, file://, s3:// or gs://, without spaces or quotes",
    ),
]
AptMirror = Annotated[
    str,
    Limits(max_length=2048),
    StringPattern(
        rf"(?:{_SERVER})(?:{_REST}|\{{distribution\}}|\{{snapshot\}})*",
        "expected a URL with https://, http:// or file://, without spaces or quotes; "
        "it may contain `{distribution}` and `{snapshot}`",
    ),
]
# Not allowed as a destination: the kernel's folders, files of accounts, and rigspec's folders.
_RESERVED_PATHS = (
    r"(?:dev|proc|sys|run|opt/rig|var/lib/rig|etc/(?:sudoers\.d|pam\.d))(?:/|$)"
    r"|etc/(?:passwd|shadow|group|gshadow|subuid|subgid)-?$|etc/(?:sudoers|ld\.so\.preload)$"
    # Files that programs of root run.
    r"|etc/(?:cron\.[a-z]+|systemd|init\.d|udev)(?:/|$)|etc/(?:ana)?crontab$"
    r"|var/spool/(?:cron|anacron|at)(?:/|$)"
)
AbsolutePath = Annotated[
    str,
    Limits(max_length=1024),
    StringPattern(
        rf"/(?!{_RESERVED_PATHS})(?:(?!\.\.?(?:/|$))[A-Za-z0-9._+@-]{{1,255}}(?:/(?=.)|$))+",
        "expected an absolute path of letters, digits and `._/+@-`, without `.`, `..` or a final "
        "slash, outside of `/opt/rig`, account files and folders of the kernel, cron and systemd",
    ),
]
Sha256 = Annotated[str, StringPattern(r"[0-9a-f]{64}", "expected 64 lower-case hexadecimal digits")]
Port = Annotated[int, Limits(ge=1, le=65535)]


SecretName = Annotated[
    str,
    StringPattern(
        r"[A-Z][A-Z0-9_]{0,99}", "expected capitals, digits and `_`, as in `JUPYTER_PASSWORD_HASH`"
    ),
]


class Secret(Table):
    """A reference to a secret by name; the spec never contains its value."""

    secret: SecretName = Field(description="Name of the secret")


class FrameworkBuild(Table):
    """A framework by version and build."""

    version: Request = Field(default="*", description="Version")
    build: Annotated[
        str, StringPattern(r"[A-Za-z0-9][A-Za-z0-9.]{0,99}", "expected a build such as `cu121`")
    ] = Field(description="Build, as its index names it: `cu121`, `cpu`")


FrameworkRequest = Annotated[
    str,
    BeforeValidator(_table_as_request, input_type=str | float | FrameworkBuild),
    AfterValidator(_validate_framework_request),
]


def has_apt(os: str) -> bool:
    """Return whether steps install packages on the operating system, such as ``debian 12``."""
    return os.partition(" ")[0] in _WITH_APT
