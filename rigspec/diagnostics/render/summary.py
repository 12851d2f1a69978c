"""What a check found, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rigspec.diagnostics.model import Report, Severity
from rigspec.resolution import EnvResolution, Resolution

__all__ = ["only_errors", "summary"]


def summary(report: Report) -> str:
    """The resolution as an aligned list. The report must have one."""
    if report.resolution is None:
        raise ValueError("a report without a resolution has no summary")
    where = f", machine {report.machine}" if report.machine else ""
    warnings = sum(d.severity is Severity.WARNING for d in report.diagnostics)
    told = f" ({warnings} warning{'s' if warnings != 1 else ''})" if warnings else ""
    if report.status == "ok":
        lines = [f"{report.spec}{where}: this rig can exist{told}"]
    else:
        lines = [f"{report.spec}{where}: its software can exist, its parts do not fit{told}"]
    lines += [f"  {name:<12} {value}" for name, value in _layers(report.resolution)]
    lines += [f"  {measure.name:<12} {measure.text}" for measure in report.hardware]
    for env in report.resolution.envs:
        lines.append(f"  env {env.name}")
        lines += [f"    {name:<10} {value}" for name, value in _env(env)]
    return "\n".join(lines)


def only_errors(report: Report) -> Report:
    """The report without its warnings and notes."""
    errors = tuple(d for d in report.diagnostics if d.severity is Severity.ERROR)
    return replace(report, diagnostics=errors)


def _layers(resolution: Resolution) -> Iterator[tuple[str, str]]:
    glibc = f" (glibc {resolution.glibc})" if resolution.glibc else ""
    yield "os", f"{resolution.os}{glibc}"
    for name in ("driver", "cuda", "cudnn"):
        version = getattr(resolution, name)
        if version is not None:
            yield name, version


def _env(env: EnvResolution) -> Iterator[tuple[str, str]]:
    brought = f" (from {env.installer})" if env.installer else ""
    yield "python", f"{env.python}{brought}"
    yield "pip", env.pip
    for framework in env.frameworks:
        yield framework.name, framework.version
    if env.cuda is not None:
        yield "cuda", f"{env.cuda} (in the wheels)"
