"""The services of the operating system that a rig requests."""

from __future__ import annotations

from collections.abc import Mapping

from rigspec.spec.models.services import Services

__all__ = [
    "FROM_ENVIRONMENT",
    "SERVICE_PATHS",
    "find_session_environment",
    "list_requested_services",
]

# Each service of the system, with the table of the spec that requests it.
SERVICE_PATHS: Mapping[str, tuple[str, ...]] = {
    "ssh": ("service", "ssh"),
    "fail2ban": ("service", "ssh", "fail2ban"),
    "tmux": ("service", "tmux"),
    "dyndns": ("service", "dyndns"),
    "node_exporter": ("service", "monitoring"),
    "prometheus": ("service", "monitoring", "prometheus"),
}

# The form of a service whose program an environment has to provide.
FROM_ENVIRONMENT = "environment"


def list_requested_services(services: Services) -> tuple[str, ...]:
    """Return the names of the requested services, in the order in which they are set up."""
    watch = services.monitoring
    wanted = {
        "ssh": services.ssh is not None,
        "fail2ban": services.ssh is not None and services.ssh.fail2ban_settings is not None,
        "tmux": bool(services.tmux),
        "dyndns": services.dyndns is not None,
        "node_exporter": watch is not None,
        "prometheus": watch is not None and watch.prometheus_settings is not None,
    }
    return tuple(name for name in SERVICE_PATHS if wanted[name])


def find_session_environment(services: Services) -> str | None:
    """Return the first environment that a tmux session starts in."""
    named = (
        env
        for _, session in sorted(services.tmux.items())
        for env in (session.env, *(window.env for window in session.windows))
    )
    return next((env for env in named if env is not None), None)
