"""Report rules that could not be checked because a property is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.lint.unknown_releases import list_unknown_releases
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import Condition, Matrix, Rule
from rigspec.matrix.part_lookup import find_part
from rigspec.resolution import UNKNOWN_SYSTEM, EnvResolution, Pin, Resolution
from rigspec.resolve.problem.base_image import find_image_tag, find_rig_image
from rigspec.resolve.problem.channels import list_channel_frameworks
from rigspec.resolve.problem.model import Candidate, KeyPath, matches_any
from rigspec.resolve.problem.requested_packages import (
    RequestedPackage,
    list_requested_frameworks,
    list_requested_packages,
)
from rigspec.resolve.problem.rule_index import get_rule_index
from rigspec.resolve.problem.systems import ROLLING, find_unlisted_system
from rigspec.resolve.problem.written_versions import find_exact_version
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import parse_alternative, strip_local_version

__all__ = ["lint_unverified", "lint_unverified_versions"]

# Components that only the matrix or the spec can give, and the key in the spec.
_SPEC_KEYS = {"avx": "features"}


def lint_unverified(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report each rule about a CPU that the matrix does not know."""
    if machine is None or resolution is None:
        return
    cpu = spec.rig.machine[machine].named_cpu
    if cpu is None or find_part(matrix.product("cpu"), cpu) is not None:
        return
    path: KeyPath = ("machine", machine, "cpu")
    for rule in matrix.rules():
        key = _SPEC_KEYS.get(rule.requires.component)
        if key is not None and _is_active(rule, resolution):
            yield Diagnostic(
                code="RS212",
                severity=Severity.NOTE,
                message=f"not checked: compatibility of the {cpu}, which is unknown",
                components=("cpu",),
                spans=(spec.document.span(path, label="unknown CPU"),),
                facts=(Fact(rule.id, rule.statement, rule.sources, rule.confidence),),
                runtime_error=(rule.failure_message,),
                help=(
                    f'set `cpu = {{ model = "{cpu}", {key} = ["{rule.requires.component}"] }}` if '
                    "/proc/cpuinfo lists it",
                ),
            )


def lint_unverified_versions(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Yield one note about the systems, versions and packages that no rule can check."""
    if resolution is None:
        return
    lines = [
        *_unverified_system(spec, machine, matrix),
        *_unverified_image(spec, resolution),
        *_unverified_driver(spec, machine, matrix, resolution),
        *_unverified_engine(spec, machine, matrix, resolution),
        *list_unknown_releases(spec.rig, machine, matrix),
    ]
    for env in resolution.envs:
        requested = spec.rig.env[env.name]
        paths = {f.product: (f.table, f.key) for f in list_requested_frameworks(requested)}
        from_channels = list_channel_frameworks(requested)
        known_builds = {build.framework for build in env.builds}
        lines += [
            (
                f"{from_channels.get(pin.name, pin.name)} {pin.version}",
                ("env", env.name, *paths[pin.name]),
            )
            for pin in env.frameworks
            if pin.name in paths
            and pin.name not in known_builds
            and (pin.name in from_channels or not _is_listed(matrix, pin))
        ]
        lines += [
            (f"{key} from its source", ("env", env.name, "packages", key))
            for key, source in sorted(requested.sources.items())
            if source.version is None
        ]
        lines += [
            (_label(package), ("env", env.name, package.table, package.key))
            for package in list_requested_packages(requested)
            if not _is_bound(matrix, package, _list_versions(env))
        ]
    if lines:
        yield Diagnostic(
            code="RS252",
            severity=Severity.NOTE,
            message=f"not checked, because the matrix has no rules: {_join_names(lines)}",
            spans=(spec.document.span(lines[0][1]),),
            help=_suggest_system(machine, resolution),
        )


def _suggest_system(machine: str | None, resolution: Resolution) -> tuple[str, ...]:
    """Return the remedy for a base image of an unknown system."""
    if resolution.os != UNKNOWN_SYSTEM:
        return ()
    table = machine or "NAME"
    return (f"set `os` in `[machine.{table}]` to the system of the image, so that rules apply",)


def _unverified_system(
    spec: LoadedSpec, machine: str | None, matrix: Matrix
) -> Iterator[tuple[str, KeyPath]]:
    requested = spec.rig.machine[machine].os if machine is not None else None
    if requested is None:
        return
    system = find_unlisted_system(requested, matrix.product("os"))
    if system is not None:
        yield system.label.removesuffix(f" {ROLLING}"), ("machine", machine or "", "os")


def _unverified_driver(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution
) -> Iterator[tuple[str, KeyPath]]:
    """Yield a driver of a branch that Linux does not have, such as that of a Windows driver."""
    if machine is None or resolution.driver is None or "driver" not in matrix:
        return
    if spec.rig.machine[machine].kind == "wsl":
        return
    branch = resolution.driver.partition(".")[0]
    if not get_rule_index(matrix).universe("driver").mask((f"=={branch}.*",)):
        yield f"driver {resolution.driver}", ("machine", machine, "driver")


def _unverified_engine(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution
) -> Iterator[tuple[str, KeyPath]]:
    """Yield a container engine that the machine has, or that only later updates may contain."""
    version = spec.rig.machine[machine].engine_version if machine is not None else None
    if version in (None, "*") or "docker" not in matrix:
        return
    product = matrix.product("docker")
    if product.find_release(resolution.docker or "") is None:
        yield f"{product.title} {version}", ("machine", machine or "", "docker")


def _unverified_image(spec: LoadedSpec, resolution: Resolution) -> Iterator[tuple[str, KeyPath]]:
    """Yield a base image of unknown contents or system; unknown tags of nvidia/cuda warn."""
    container = spec.rig.container
    if container is None or container.base is None:
        return
    name = container.base.partition("@")[0]
    if resolution.os == UNKNOWN_SYSTEM:
        yield f"{name} (its system, C library and packages are unknown)", ("container", "base")
    elif find_rig_image(spec.rig) is None and find_image_tag(spec.rig) is None:
        yield name, ("container", "base")


def _is_listed(matrix: Matrix, pin: Pin) -> bool:
    """Return whether the matrix lists the version, or the release that it is the build of."""
    return any(
        pin.version in (release.version, strip_local_version(release.version))
        for release in matrix.product(pin.name).releases
    )


def _list_versions(env: EnvResolution) -> dict[str, str]:
    return {**{pin.name: pin.version for pin in env.frameworks}, "python": env.python}


def _is_bound(matrix: Matrix, package: RequestedPackage, chosen_pins: Mapping[str, str]) -> bool:
    """Return whether a rule about the chosen versions can contradict that of a package."""
    component = PACKAGE_PREFIX + package.name
    version = find_exact_version(parse_alternative(package.request))
    if component not in get_rule_index(matrix).named or version is None:
        return component in get_rule_index(matrix).named
    chosen = Candidate(None, version)
    return any(
        (rule.requires.component == component and _may_apply(rule, chosen_pins))
        or any(
            condition.component == component
            and (matches_any(condition.alternatives, chosen) or _is_within(package, condition))
            for condition in rule.when
        )
        for rule in matrix.rules()
    )


def _may_apply(rule: Rule, chosen_pins: Mapping[str, str]) -> bool:
    return all(
        matches_any(condition.alternatives, Candidate(None, chosen_pins[condition.component]))
        for condition in rule.when
        if condition.component in chosen_pins
    )


def _is_within(package: RequestedPackage, condition: Condition) -> bool:
    """Return whether a rule is about a release that a request for a series admits."""
    requested = parse_alternative(package.request)
    named = (find_exact_version(parse_alternative(text)) for text in condition.alternatives)
    return any(version is not None and requested.admits(None, version) for version in named)


def _label(package: RequestedPackage) -> str:
    version = find_exact_version(parse_alternative(package.request))
    return f"{package.name} {version}" if version is not None else package.name


def _join_names(lines: list[tuple[str, KeyPath]]) -> str:
    return ", ".join(dict.fromkeys(name for name, _ in lines))


def _is_active(rule: Rule, resolution: Resolution) -> bool:
    chosen = {pin.name: pin.version for env in resolution.envs for pin in env.frameworks}
    return all(
        condition.component in chosen
        and matches_any(condition.alternatives, Candidate(None, chosen[condition.component]))
        for condition in rule.when
    )
