"""Steps for dynamic DNS with ddclient."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedService
from rigspec.lock.services import ACCOUNT
from rigspec.plan.paths import service_packages
from rigspec.plan.services.base import Service, ServiceContext
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import FileStep, SecretStep, ServiceStep, Step
from rigspec.spec.models.services import Dyndns

__all__ = ["DyndnsService", "build_dyndns_steps"]

_LAYER = "host-service"
_DEFAULTS = "/etc/default/ddclient"


class DyndnsService(Service):
    """Dynamic DNS."""

    name = "dyndns"
    summary = "updates a host name when the address of the machine changes"
    programs = "ddclient"

    def build_steps(self, context: ServiceContext) -> Iterator[Step]:
        """Yield the steps of ddclient."""
        service = context.find_locked(self.name)
        if service is not None:
            yield from build_dyndns_steps(context.rig, service)


def build_dyndns_steps(rig: RigSettings, service: LockedService) -> Iterator[Step]:
    """Yield ddclient's configuration with the password, its interval, and its unit."""
    dyndns = rig.service.dyndns
    if dyndns is None:
        return
    packages = service_packages(_LAYER)
    # Without a configuration file, the package creates one, and removes it when it is purged. On
    # uninstall, an earlier file is therefore restored before the package is removed.
    yield SecretStep(
        id="service-dyndns-settings",
        title="ddclient configuration",
        layer=_LAYER,
        needs=(packages,),
        name=dyndns.credentials.secret,
        path=service.settings,
        text=_configuration(dyndns, service),
    )
    yield FileStep(
        id="service-dyndns-interval",
        title="ddclient update interval",
        layer=_LAYER,
        path=_DEFAULTS,
        content=_default_file(dyndns),
    )
    yield ServiceStep(
        id="service-dyndns",
        title=f"ddclient service ({dyndns.hostname})",
        layer=_LAYER,
        needs=(packages, "service-dyndns-settings", "service-dyndns-interval"),
        name=service.unit,
        restart_on=("service-dyndns-settings", "service-dyndns-interval"),
    )


def _configuration(dyndns: Dyndns, service: LockedService) -> str:
    page, _, required = (service.options or "").partition(" ")
    web = "webv4" if service.form == "usev4" else "web"
    # The secret contains account and password if the protocol requires both.
    has_account = dyndns.login is None and required == ACCOUNT
    values = {
        "daemon": dyndns.interval,
        "syslog": "yes",
        "ssl": "yes",
        service.form: web,
        web: dyndns.page or page,
        "protocol": dyndns.protocol,
        "server": dyndns.server,
        "login": "{account}" if has_account else dyndns.login,
        "zone": dyndns.zone,
    }
    lines = [f"{name}={value}" for name, value in values.items() if value is not None]
    # ddclient uses everything between the first and the last quote literally.
    lines += [f"password='{'{password}' if has_account else '{secret}'}'", dyndns.hostname]
    return "# Written by rigspec.\n" + "\n".join(lines)


def _default_file(dyndns: Dyndns) -> str:
    """Return the file that the unit or the init script of the package reads."""
    return (
        "# Written by rigspec.\n"
        'run_daemon="true"\nrun_dhclient="false"\nrun_ipup="false"\n'
        f'daemon_interval="{dyndns.interval}"\n'
    )
