"""A name that follows the machine's address."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedService
from rigspec.lock.services import ACCOUNT
from rigspec.plan.paths import service_packages
from rigspec.plan.steps import File, Secret, Service, Step
from rigspec.spec.models.rig import Rig
from rigspec.spec.models.services import Dyndns

__all__ = ["dyndns_steps"]

_PART = "host-service"
_DEFAULTS = "/etc/default/ddclient"


def dyndns_steps(rig: Rig, service: LockedService) -> Iterator[Step]:
    """Settings with the provider's password in them, how often they are used, and the unit."""
    dyndns = rig.service.dyndns
    if dyndns is None:
        return
    packages = service_packages(_PART)
    # Where it finds none the package writes settings of its own, and takes them away with itself:
    # what stood there before ours is put back before that.
    yield Secret(
        id="service-dyndns-settings",
        title=f"Settings and password of the name {dyndns.hostname}",
        part=_PART,
        needs=(packages,),
        name=dyndns.credentials.secret,
        path=service.settings,
        text=_settings(dyndns, service),
    )
    yield File(
        id="service-dyndns-interval",
        title=f"How often the name {dyndns.hostname} is looked after",
        part=_PART,
        path=_DEFAULTS,
        content=_defaults(dyndns),
    )
    yield Service(
        id="service-dyndns",
        title=f"The name {dyndns.hostname} follows the address",
        part=_PART,
        needs=(packages, "service-dyndns-settings", "service-dyndns-interval"),
        name=service.unit,
        configured_by=("service-dyndns-settings", "service-dyndns-interval"),
    )


def _settings(dyndns: Dyndns, service: LockedService) -> str:
    page, _, asks = (service.options or "").partition(" ")
    web = "webv4" if service.form == "usev4" else "web"
    # A secret that is account and password: where the protocol asks for both.
    both = dyndns.login is None and asks == ACCOUNT
    values = {
        "daemon": dyndns.interval,
        "syslog": "yes",
        "ssl": "yes",
        service.form: web,
        web: dyndns.page or page,
        "protocol": dyndns.protocol,
        "server": dyndns.server,
        "login": "{account}" if both else dyndns.login,
        "zone": dyndns.zone,
    }
    lines = [f"{name}={value}" for name, value in values.items() if value is not None]
    # Of this line all between the first quote and the last is taken as it stands.
    lines += [f"password='{'{password}' if both else '{secret}'}'", dyndns.hostname]
    return "# Written by rigspec.\n" + "\n".join(lines)


def _defaults(dyndns: Dyndns) -> str:
    """What the unit or the start-up script of the package reads."""
    return (
        "# Written by rigspec.\n"
        'run_daemon="true"\nrun_dhclient="false"\nrun_ipup="false"\n'
        f'daemon_interval="{dyndns.interval}"\n'
    )
