"""``[service.dyndns]``: a name that follows the machine's address."""

from typing import Annotated

from pydantic import Field, StringConstraints

from rigspec.spec.fields import HOST, Hostname, Name, Secret, StringPattern, Table

__all__ = ["Dyndns"]

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
