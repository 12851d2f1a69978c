"""A request to a conda solver: match specs, and the virtual packages of the target."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import Specifier, SpecifierSet

from rigspec.frozen import dataclass
from rigspec.matrix.model import Condition, Matrix
from rigspec.resolution import Resolution
from rigspec.version_specifiers import get_version_key, parse_alternative, parse_specifier

__all__ = [
    "PLATFORMS",
    "ChannelError",
    "CondaConflict",
    "CondaPackage",
    "CondaRequest",
    "CondaResult",
    "RequestedSpec",
    "Unknown",
    "VirtualPackage",
    "find_newest_cuda",
    "list_virtual_packages",
    "match_spec",
]

# How conda calls Linux on a processor architecture.
PLATFORMS = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}


@dataclass(frozen=True)
class RequestedSpec:
    """A match spec and the key of the spec it comes from; a ``bound`` installs nothing."""

    path: tuple[str, ...]
    spec: str
    label: str
    bound: bool = False


@dataclass(frozen=True)
class VirtualPackage:
    """A fact about the target that packages may depend on, and the same as a sentence."""

    name: str
    version: str
    build: str
    statement: str


@dataclass(frozen=True)
class CondaRequest:
    """Everything that a solve depends on.

    ``channels`` are name and address, highest priority first. ``wishes`` are match specs that are
    dropped where they cannot be met. ``kept`` are names and md5 of packages that stay where
    they can. ``until`` is in milliseconds since 1970: no package is newer.
    """

    lines: tuple[RequestedSpec, ...]
    channels: tuple[tuple[str, str], ...]
    platform: str
    virtual: tuple[VirtualPackage, ...]
    wishes: tuple[str, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    until: int | None = None


@dataclass(frozen=True)
class CondaPackage:
    """A chosen package; ``python`` is true for a Python distribution."""

    name: str
    version: str
    build: str
    url: str
    sha256: str | None
    md5: str | None
    depends: tuple[str, ...]
    python: bool


@dataclass(frozen=True)
class Unknown:
    """A line with a package that no channel has, and similar names."""

    line: RequestedSpec
    near: tuple[str, ...]


@dataclass(frozen=True)
class CondaConflict:
    """The fewest lines that cannot hold together, with the reasons.

    ``by_priority`` and ``by_day`` are true if channel priority, or the day that
    nothing may be newer than, is part of it. Where ``unknown`` is set, the rest is empty.
    """

    lines: tuple[RequestedSpec, ...]
    reasons: tuple[str, ...]
    by_priority: bool = False
    by_day: bool = False
    unknown: tuple[Unknown, ...] = ()


@dataclass(frozen=True)
class ChannelError:
    """The name of a channel that could not be read, and the error."""

    channel: str | None
    why: str


@dataclass(frozen=True)
class CondaResult:
    """The packages, or the conflict or error."""

    packages: tuple[CondaPackage, ...] = ()
    conflict: CondaConflict | None = None
    trouble: ChannelError | None = None


def match_spec(name: str, specifiers: SpecifierSet | str | None) -> str:
    """Return conda's form of a request: ``numpy 1.14.*``, ``numpy >=1.14,<2``, ``numpy``.

    A text is a request of the spec, where ``1.14`` means ``==1.14.*``.
    """
    if isinstance(specifiers, str):
        specifiers = parse_specifier(specifiers)
    if not specifiers:
        return name
    return f"{name} {','.join(sorted(_clause(specifier) for specifier in specifiers))}"


def list_virtual_packages(resolution: Resolution, matrix: Matrix) -> tuple[VirtualPackage, ...]:
    """Return the target's virtual packages, and none of this host's."""
    return tuple(_virtual_packages(resolution, matrix))


def find_newest_cuda(driver: str, matrix: Matrix) -> str | None:
    """Return the newest CUDA that a driver itself supports (``11.3``); None where unknown.

    A driver runs toolkits newer than its own by minor-version compatibility, and conda's
    ``__cuda`` does not count these.
    """
    needs: dict[str, set[str]] = {}
    for rule in matrix.product("cuda").rules:
        if rule.requires.component == "driver" and (version := _about(rule.when)) is not None:
            needs.setdefault(version, set()).update(rule.requires.alternatives)
    first: dict[frozenset[str], str] = {}
    for version in sorted(needs, key=get_version_key):
        # Releases with the same need are one driver's: it is the oldest that it came with.
        first.setdefault(frozenset(needs[version]), version)
    supported = [
        version
        for need, version in first.items()
        if all(parse_alternative(text).admits(None, driver) for text in need)
    ]
    newest = max(supported, key=get_version_key, default=None)
    return ".".join(newest.split(".")[:2]) if newest is not None else None


def _clause(specifier: Specifier) -> str:
    operator, version = specifier.operator, specifier.version
    if operator in ("==", "===") and version.endswith(".*"):
        return version
    return f"{'==' if operator == '===' else operator}{version}"


def _virtual_packages(resolution: Resolution, matrix: Matrix) -> Iterator[VirtualPackage]:
    yield VirtualPackage("__unix", "0", "0", "this is a Unix")
    yield VirtualPackage("__linux", "0", "0", f"no kernel is known of {resolution.os}")
    # The baseline of the architecture: no table has the full features of every processor.
    statement = f"the processor is known only as {resolution.arch}"
    yield VirtualPackage("__archspec", "1", resolution.arch, statement)
    if resolution.glibc is not None:
        statement = f"{resolution.os} has {resolution.glibc}"
        yield VirtualPackage("__glibc", resolution.glibc, "0", statement)
    if resolution.accelerator == "gpu" and resolution.driver is not None:
        cuda = find_newest_cuda(resolution.driver, matrix)
        if cuda is not None:
            statement = f"driver {resolution.driver} supports CUDA {cuda}"
            yield VirtualPackage("__cuda", cuda, "0", statement)


def _about(when: tuple[Condition, ...]) -> str | None:
    """Return the exact CUDA of a condition, if it has no other."""
    found = {condition.component: condition.alternatives for condition in when}
    if not found.keys() <= {"cuda", "forward_compatibility"}:
        return None
    exact = [text[2:] for text in found.get("cuda", ()) if text.startswith("==")]
    return exact[0] if len(exact) == 1 else None
