"""Write the smallest spec in which given components have given releases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import Matrix, Product
from rigspec.version_specifiers import parse_alternative, parse_specifier

__all__ = ["ComponentRequest", "build_minimal_spec", "parse_part"]

# Components that only a rig with a GPU has.
_GPU_COMPONENTS = frozenset(
    {
        *("cuda", "cudnn", "cudnn_cuda", "driver", "provider", "compute_capability"),
        *("driver_source", "kernel_modules", "forward_compatibility"),
    }
)


@dataclass(frozen=True)
class ComponentRequest:
    """A request for a component: its versions or a word, and its family."""

    family: str | None
    request: str


def parse_part(alternative: str) -> ComponentRequest:
    """Parse an alternative of the matrix, such as ``tensorflow-gpu >=1.5`` or ``gpu``."""
    if parse_alternative(alternative).family is None:
        return ComponentRequest(None, alternative)
    family, _, request = alternative.partition(" ")
    return ComponentRequest(family, request.strip() or "*")


def build_minimal_spec(parts: Mapping[str, ComponentRequest], matrix: Matrix) -> str:
    """Return a spec in TOML that requests only these parts."""
    word = parts["accelerator"].family if "accelerator" in parts else None
    gpu = word == "gpu" or (word is None and bool(_GPU_COMPONENTS & parts.keys()))
    lines = [
        "rig = 1",
        'name = "specimen"',
        *_machine(parts),
        *(_cuda(parts, matrix) if gpu else ()),
    ]
    return "\n".join([*lines, *_environment(parts, matrix)]) + "\n"


def _machine(parts: Mapping[str, ComponentRequest]) -> list[str]:
    os = parts.get("os", ComponentRequest("ubuntu", ">=14.04"))
    named = f"{os.family} {os.request}".removesuffix(" *")
    lines = ["[machine.box]", f'os = "{named}"']
    if "arch" in parts:
        lines.append(f'arch = "{parts["arch"].family}"')
    if "platform" in parts and parts["platform"].family == "wsl":
        lines.append('kind = "wsl"')
    lines += _driver(parts)
    if "docker" in parts:
        lines.append(f'docker = "{parts["docker"].request}"')
    if "gcc" in parts:
        lines.append(f'gcc = "{parts["gcc"].request}"')
    if "compute_capability" in parts:
        capability = parts["compute_capability"].request
        lines.append(f'gpus = [{{ model = "a card", compute_capability = "{capability}" }}]')
    if "avx" in parts:
        features = '["sse4_2", "avx"]' if parts["avx"].family == "yes" else '["sse4_2"]'
        lines.append(f'cpu = {{ model = "a processor", features = {features} }}')
    return lines


def _driver(parts: Mapping[str, ComponentRequest]) -> Iterator[str]:
    source = parts["driver_source"].family if "driver_source" in parts else None
    if source == "none":
        yield 'driver = "none"'
        return
    table = {
        "version": parts["driver"].request if "driver" in parts else None,
        "from": source,
        "modules": parts["kernel_modules"].family if "kernel_modules" in parts else None,
    }
    given = [f'{key} = "{value}"' for key, value in table.items() if value is not None]
    if given:
        yield f"driver = {{ {', '.join(given)} }}"


def _cuda(parts: Mapping[str, ComponentRequest], matrix: Matrix) -> list[str]:
    # Few systems have packages of every toolkit; a runfile works on all.
    default = "runfile" if _has_runfile(parts, matrix) else "wheels"
    provider = parts.get("provider", ComponentRequest(default, "*")).family
    lines = ["[cuda]", f'provider = "{provider}"']
    if "cuda" in parts:
        lines.append(f'toolkit = "{parts["cuda"].request}"')
    version = parts.get("cudnn", ComponentRequest(None, "*")).request
    if "cudnn_cuda" in parts:
        built = parts["cudnn_cuda"].request
        lines.append(f'cudnn = {{ version = "{version}", built_for = "{built}" }}')
    elif "cudnn" in parts:
        lines.append(f'cudnn = "{version}"')
    if parts.get("forward_compatibility", ComponentRequest("no", "*")).family == "yes":
        lines.append('packages = ["cuda-compat-12-4"]')
    return lines


def _has_runfile(parts: Mapping[str, ComponentRequest], matrix: Matrix) -> bool:
    if "cuda" not in parts:
        return True
    requested = parse_specifier(parts["cuda"].request)
    versions = (r.version for r in matrix.product("cuda").releases if r.artifacts)
    return requested is None or any(version in requested for version in versions)


def _environment(parts: Mapping[str, ComponentRequest], matrix: Matrix) -> list[str]:
    lines = ["[env.lab]"]
    if "interpreter" in parts:
        lines.append(f'interpreter = "{parts["interpreter"].family}"')
    lines += [f'{name} = "{parts[name].request}"' for name in ("python", "pip") if name in parts]
    channels: dict[str, None] = {}
    frameworks: dict[str, str] = {}
    packages: dict[str, str] = {}
    for name, part in parts.items():
        if name.startswith(PACKAGE_PREFIX):
            packages[name.removeprefix(PACKAGE_PREFIX)] = part.request
        elif name in matrix and matrix.product(name).kind == "framework":
            channels |= dict.fromkeys(_channels(matrix.product(name)))
            table = packages if part.family or channels else frameworks
            table[part.family or name] = part.request
    if channels:
        lines += ['manager = "conda"', f"channels = {json.dumps(list(channels))}"]
    for table_name, table in (("frameworks", frameworks), ("packages", packages)):
        if table:
            pairs = ", ".join(f'"{key}" = "{value}"' for key, value in table.items())
            lines.append(f"{table_name} = {{ {pairs} }}")
    return lines if len(lines) > 1 else []


def _channels(product: Product) -> Iterator[str]:
    """Yield the conda channels of the builds of a framework."""
    return (channel for r in product.releases if (channel := r.get("channel")) is not None)
