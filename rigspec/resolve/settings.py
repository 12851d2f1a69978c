"""Keys in a framework's settings file that its version does not read."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.load import LoadedSpec
from rigspec.versions import parse_alternative

__all__ = ["settings_advice"]


def settings_advice(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """A warning for each key that no admitted version of its framework reads."""
    chosen = {
        (env.name, pin.name): pin.version
        for env in (resolution.envs if resolution is not None else ())
        for pin in env.frameworks
    }
    for env_name, env in sorted(spec.rig.env.items()):
        for framework, settings in sorted(env.config.items()):
            if framework not in matrix:
                continue
            product = matrix.product(framework)
            version = chosen.get((env_name, framework))
            if version is None:
                continue  # nothing was chosen, so nothing can be said of it
            for setting in product.settings:
                reads = parse_alternative(setting.versions).admits(None, version)
                if setting.key in settings and not reads:
                    path = ("env", env_name, "config", framework, setting.key)
                    yield Diagnostic(
                        code="RS218",
                        severity=Severity.WARNING,
                        message=f"{product.title} {version} does not read `{setting.key}`",
                        between=(framework,),
                        spans=(spec.document.span(path, of="key", label="ignored"),),
                        facts=(
                            Fact(f"{framework}/{setting.key}", setting.statement, setting.sources),
                        ),
                        help=(f"write `{setting.instead}`",),
                    )
