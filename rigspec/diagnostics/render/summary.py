"""Render the result of a check in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rigspec.diagnostics.model import ExpectedPackage, Report, Severity
from rigspec.resolution import NO_DRIVER, EnvResolution, Resolution

__all__ = ["drop_warnings", "render_summary"]

# The least width of the names of an environment's packages.
_WIDTH = 10


def render_summary(report: Report) -> str:
    """Return the resolution as an aligned list.

    Raises:
        ValueError: if the report has no resolution.

    """
    if report.resolution is None:
        raise ValueError("a report without a resolution has no summary")
    machine = f", machine {report.machine}" if report.machine else ""
    warnings = sum(d.severity is Severity.WARNING for d in report.diagnostics)
    counts = [f"{warnings} warning{'s' if warnings != 1 else ''}"] if warnings else []
    counts += [f"{report.ignored} ignored"] if report.ignored else []
    count = f" ({', '.join(counts)})" if counts else ""
    status = "ok" if report.status == "ok" else "software resolves; hardware has conflicts"
    lines = [f"{report.spec}{machine}: {status}{count}"]
    lines += [f"  {name:<12} {value}" for name, value in _iterate_layers(report.resolution)]
    lines += [f"  {metric.name:<12} {metric.text}" for metric in report.metrics]
    for env in report.resolution.envs:
        lines.append(f"  env {env.name}")
        packages = [package for package in report.packages if package.env == env.name]
        rows = [*_iterate_environment(env, packages)]
        width = max(_WIDTH, *(len(name) for name, _ in rows))
        lines += [f"    {name:<{width}} {value}" for name, value in rows]
    return "\n".join(lines)


def drop_warnings(report: Report) -> Report:
    """Return the report without warnings and notes."""
    errors = tuple(d for d in report.diagnostics if d.severity is Severity.ERROR)
    return replace(report, diagnostics=errors)


def _iterate_layers(resolution: Resolution) -> Iterator[tuple[str, str]]:
    glibc = f" (glibc {resolution.glibc})" if resolution.glibc else ""
    yield "os", f"{resolution.os}{glibc}{resolution.architecture_remark}"
    for name in ("driver", "cuda", "cudnn", "docker"):
        version = getattr(resolution, name)
        if version is not None:
            yield name, f"{version}{_driver_remark(resolution) if name == 'driver' else ''}"


def _driver_remark(resolution: Resolution) -> str:
    """Return what distinguishes the driver from one that is installed with its usual modules."""
    if resolution.driver_source == NO_DRIVER:
        return " or another that fits (not installed)"
    return " (open kernel modules)" if resolution.kernel_modules == "open" else ""


def _iterate_environment(
    env: EnvResolution, packages: Sequence[ExpectedPackage]
) -> Iterator[tuple[str, str]]:
    source = env.installer or (env.interpreter if env.interpreter != "system" else None)
    yield "python", f"{env.python} (from {source})" if source else env.python
    yield "pip", env.pip
    for framework in env.frameworks:
        yield framework.name, framework.version
    for package in packages:
        version = package.version if package.is_exact else f"up to {package.version}"
        remark = f" (required by {package.required_by})" if package.required_by else ""
        yield package.name, f"{version}{remark}"
    cuda = env.cuda or next((package.cuda for package in packages if package.cuda), None)
    if cuda is not None:
        yield "cuda", f"{cuda} (in the wheels)"
