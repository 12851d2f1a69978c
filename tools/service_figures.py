"""How each release packages the services of a rig, read from its own packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["SERVICES", "service_sources"]

# Of a service: `packages` and `unit`; `settings`, the file that a rig's settings go to, and `form`,
# what stands in it; `options`, what has to be said there besides on this release.

# fail2ban bans with what its package has an action for: nftables since 0.11. Debian 13 names in its
# own jail a process that OpenSSH 9.8 no longer logs from.
_JAIL = {
    "fail2ban_unit": "fail2ban.service",
    "fail2ban_settings": "/etc/fail2ban/jail.d/rig.local",
    "fail2ban_form": "jail",
}
_IPTABLES = {
    **_JAIL,
    "fail2ban_packages": "fail2ban iptables python3-systemd",
    "fail2ban_options": "banaction = iptables-multiport",
}
_NFTABLES = {
    **_JAIL,
    "fail2ban_packages": "fail2ban nftables python3-systemd",
    "fail2ban_options": "banaction = nftables",
}
_NFTABLES_SESSION = {
    **_NFTABLES,
    "fail2ban_options": "banaction = nftables; "
    "journalmatch = _SYSTEMD_UNIT=ssh.service + _COMM=sshd + _COMM=sshd-session",
}

# tmuxp is no package of Ubuntu 16.04: an environment of the rig has to bring it.
_TMUX = {"tmux_packages": "tmux tmuxp", "tmux_form": "package"}
_TMUX_ALONE = {"tmux_packages": "tmux", "tmux_form": "environment"}

# The exporter and Prometheus take their options from $ARGS since they have units of systemd.
_MONITORING = {
    "node_exporter_packages": "prometheus-node-exporter",
    "node_exporter_unit": "prometheus-node-exporter.service",
    "node_exporter_form": "arguments",
    "prometheus_packages": "prometheus",
    "prometheus_unit": "prometheus.service",
    "prometheus_form": "arguments",
}

# ddclient asks for an IPv4 address with `usev4` since 3.10 and with `use` before; `options` is a
# page that tells it over TLS.
_DYNDNS = {
    "dyndns_packages": "ca-certificates ddclient libio-socket-ssl-perl",
    "dyndns_unit": "ddclient.service",
    "dyndns_settings": "/etc/ddclient.conf",
    "dyndns_options": "https://api.ipify.org/",
}
_USE, _USEV4 = {**_DYNDNS, "dyndns_form": "use"}, {**_DYNDNS, "dyndns_form": "usev4"}
# What ddclient speaks: a `-` after a name says that it asks for no account.
_OLD = "changeip concont dnspark dslreports1 dtdns- dyndns1 dyndns2 easydns freedns hammernode1 "
_OLD += "namecheap noip sitelutions zoneedit1"
_8_3 = f"{_OLD} cloudflare duckdns- googledomains nsupdate-"
_9 = f"{_8_3} dnsmadeeasy dondominio freemyip- nfsn woima yandex"
_10 = (
    "1984- changeip cloudflare- cloudns dinahosting dnsexit dnsmadeeasy dondominio dslreports1 "
    "duckdns- dyndns1 dyndns2 easydns freedns freemyip- gandi godaddy googledomains hetzner- "
    "keysystems namecheap nfsn njalla noip nsupdate- ovh sitelutions woima yandex zoneedit1"
)
_11 = (
    f"{_10.replace('dnsexit ', 'dnsexit2 ')} digitalocean- domeneshop enom infomaniak mythicdyn "
    "porkbun- regfishde"
)


def _with(form: Mapping[str, str], protocols: str) -> dict[str, str]:
    return {**form, "dyndns_protocols": " ".join(sorted(protocols.split()))}


SERVICES = {
    "ubuntu 16.04": {**_IPTABLES, **_TMUX_ALONE, **_with(_USE, _OLD)},
    "ubuntu 18.04": {**_IPTABLES, **_TMUX, **_MONITORING, **_with(_USE, _8_3)},
    "ubuntu 20.04": {**_NFTABLES, **_TMUX, **_MONITORING, **_with(_USE, _8_3)},
    "ubuntu 22.04": {**_NFTABLES, **_TMUX, **_MONITORING, **_with(_USE, _9)},
    "debian 11": {**_NFTABLES, **_TMUX, **_MONITORING, **_with(_USE, _9)},
    "debian 12": {**_NFTABLES, **_TMUX, **_MONITORING, **_with(_USEV4, _10)},
    "debian 13": {**_NFTABLES_SESSION, **_TMUX, **_MONITORING, **_with(_USEV4, _11)},
}


def service_sources(key: str) -> Iterator[str]:
    """The sources of what is said here of a release."""
    if key in SERVICES:
        yield "service-packages"
    if "node_exporter_packages" in SERVICES.get(key, {}):
        yield "prometheus-packages"
    if key.startswith("debian ") and int(key.split()[1]) >= 12:
        yield "journal-only"
