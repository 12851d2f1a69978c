"""The small types that the language's tables are made of."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from rigspec.version_specifiers import InvalidRequest, parse_alternative, parse_specifier

__all__ = [
    "HOST",
    "AbsolutePath",
    "Address",
    "AptMirror",
    "GroupName",
    "Hostname",
    "Many",
    "Name",
    "PackageName",
    "Port",
    "Request",
    "Secret",
    "Sha256",
    "StringPattern",
    "SystemPackage",
    "SystemRequest",
    "Table",
    "Text",
    "Url",
    "validate_ssh_key",
]

# How many parts a key of each kind has (RFC 4253, RFC 5656, RFC 8709, OpenSSH's PROTOCOL.u2f).
_PARTS = {
    "ssh-ed25519": 2,
    "ssh-rsa": 3,
    "ecdsa-sha2-nistp256": 3,
    "ecdsa-sha2-nistp384": 3,
    "ecdsa-sha2-nistp521": 3,
    "sk-ssh-ed25519@openssh.com": 3,
    "sk-ecdsa-sha2-nistp256@openssh.com": 4,
}


def validate_ssh_key(text: str) -> str:
    """The key as it is. Raises PydanticCustomError for one that was cut or put together."""
    kind, encoded, *_ = text.split(" ")
    try:
        parts = list(_parts(base64.b64decode(encoded, validate=True)))
    except (binascii.Error, ValueError):
        parts = []
    if len(parts) != _PARTS[kind] or parts[0] != kind.encode():
        words = f"this is no whole {kind} key: copy it again from the file that ends in .pub"
        raise PydanticCustomError("form", "{words}", {"words": words})
    return text


def _parts(data: bytes) -> Iterator[bytes]:
    """What stands in the key, each part with its length before it. Raises ValueError."""
    while data:
        length, data = int.from_bytes(data[:4], "big"), data[4:]
        if length > len(data) or not length:
            raise ValueError("cut short")
        yield data[:length]
        data = data[length:]


class Table(BaseModel):
    """A table of the language: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, defer_build=True, hide_input_in_errors=True
    )


@dataclass(frozen=True)
class StringPattern:
    """The form of a string; ``words`` say which, to whoever wrote another one."""

    regex: str
    words: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.regex})$"}

    def _checked(self, text: str) -> str:
        if re.fullmatch(self.regex, text) is None:
            raise PydanticCustomError("form", "{words}", {"words": self.words})
        return text


def _version_request(text: str) -> str:
    try:
        parse_specifier(text)
    except InvalidRequest as error:
        raise PydanticCustomError("version", "{words}", {"words": str(error)}) from None
    return text


def _system_request(text: str) -> str:
    try:
        alternative = parse_alternative(text)
    except InvalidRequest as error:
        raise PydanticCustomError("version", "{words}", {"words": str(error)}) from None
    if alternative.family is None:
        words = "name the system and its version, for example `ubuntu 16.04` or `debian >=11`"
        raise PydanticCustomError("version", "{words}", {"words": words})
    return text


T = TypeVar("T")
Many = Annotated[tuple[T, ...], Strict(False)]  # TOML has arrays, the models tuples

Request = Annotated[str, AfterValidator(_version_request)]
SystemRequest = Annotated[str, AfterValidator(_system_request)]
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    StringPattern(r".*\S.*", "this must not be blank"),
]
Name = Annotated[
    str,
    StringPattern(
        r"[a-z][a-z0-9_-]{0,31}", "use lower-case letters, digits, `-` and `_`, a letter first"
    ),
]
GroupName = Annotated[
    str,
    StringPattern(
        r"[a-z_][a-z0-9_-]{0,31}", "a group is called by lower-case letters, digits, `-` and `_`"
    ),
]
PackageName = Annotated[
    str,
    StringConstraints(max_length=200),
    StringPattern(
        r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", "this is not the name of a Python package"
    ),
]
SystemPackage = Annotated[
    str,
    StringConstraints(max_length=200),
    # apt takes `name-` for the wish to remove a package, and `.+` for a regular expression.
    StringPattern(
        r"(?!.*\.\+)[a-z0-9][a-z0-9+.-]*[a-z0-9+.]",
        "use lower-case letters, digits, `+`, `-` and `.`, as apt does",
    ),
]
_HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST = rf"{_HOST_LABEL}(?:\.{_HOST_LABEL})*\.?"
Address = Annotated[
    str,
    StringConstraints(max_length=253),
    StringPattern(
        rf"\*|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*|{HOST}",
        'write an address, or `"*"` for every network interface',
    ),
]
Hostname = Annotated[
    str, StringConstraints(max_length=253), StringPattern(HOST, "this is not a host name")
]
# RFC 3986, less user names and less brackets but around an IPv6 address: curl expands `[1-9]`.
_SERVER = rf"https?://(?:{HOST}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?(?![^/?#])|file://(?=/)"
_REST = r"[A-Za-z0-9._~:/?#@!&()*+,;=%-]"
Url = Annotated[
    str,
    StringConstraints(max_length=2048),
    StringPattern(
        rf"(?:{_SERVER}){_REST}*",
        "write an address with https://, http:// or file:// and without spaces or quotes",
    ),
]
AptMirror = Annotated[
    str,
    StringConstraints(max_length=2048),
    StringPattern(
        rf"(?:{_SERVER})(?:{_REST}|\{{distribution\}}|\{{snapshot\}})*",
        "write an address with https://, http:// or file:// and without spaces or quotes; "
        "`{distribution}` and `{snapshot}` may stand in it",
    ),
]
# Not a place of files: the kernel's own folders, who may log in and do what, and rigspec's own.
_NO_PLACE = (
    r"(?:dev|proc|sys|run|opt/rig|var/lib/rig|etc/(?:sudoers\.d|pam\.d))(?:/|$)"
    r"|etc/(?:passwd|shadow|group|gshadow|subuid|subgid)-?$|etc/(?:sudoers|ld\.so\.preload)$"
)
AbsolutePath = Annotated[
    str,
    StringConstraints(max_length=1024),
    StringPattern(
        rf"/(?!{_NO_PLACE})(?:(?!\.\.?(?:/|$))[A-Za-z0-9._+@-]{{1,255}}(?:/(?=.)|$))+",
        "write an absolute path of letters, digits and `._/+@-`, without `.`, `..` and a slash at "
        "the end, and not into the kernel's folders, the files of accounts or `/opt/rig`",
    ),
]
Sha256 = Annotated[
    str, StringPattern(r"[0-9a-f]{64}", "a sha256 is 64 lower-case hexadecimal digits")
]
Port = Annotated[int, Field(ge=1, le=65535)]


SecretName = Annotated[
    str,
    StringPattern(r"[A-Z][A-Z0-9_]{0,99}", "name a secret in capitals: `JUPYTER_PASSWORD_HASH`"),
]


class Secret(Table):
    """A secret by its name; its value never stands in a spec."""

    secret: SecretName = Field(description="The secret's name.")
