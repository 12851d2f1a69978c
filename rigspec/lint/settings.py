"""Lint settings files: unknown files, ignored keys, values that cannot be written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.model import DefaultSetting, Matrix, Product, Setting, SettingsFile
from rigspec.resolution import EnvResolution, Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.environment import Environment
from rigspec.spec.settings_file import UnwritableSetting, flatten_settings, render_settings
from rigspec.version_specifiers import normalize_name, parse_alternative

__all__ = ["lint_settings"]

_EXACT = re.compile(r"(?:==)?\s*(\d+(?:\.\d+)+)")


def lint_settings(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report files that cannot be written, keys that are ignored, and keys that are missing."""
    for env_name, env in sorted(spec.rig.env.items()):
        for program in sorted(env.config):
            path: KeyPath = ("env", env_name, "config", program)
            product = matrix.product(program) if program in matrix else None
            if product is None or product.settings_file is None:
                yield _build_unknown_file(spec, path, program)
                continue
            yield from _lint_unwritable(spec, path, product, product.settings_file)
            version = _find_version(env_name, env, program, resolution)
            if version is not None:
                yield from _lint_ignored_keys(spec, path, product, version)
    yield from _lint_shared_files(spec, matrix)
    yield from _lint_missing_keys(spec, matrix, resolution)


def _find_version(
    env_name: str, env: Environment, program: str, resolution: Resolution | None
) -> str | None:
    """Return the selected version, or the only one that the spec allows."""
    for chosen in resolution.envs if resolution is not None else ():
        if chosen.name == env_name:
            selected = {pin.name: pin.version for pin in chosen.frameworks} | {"pip": chosen.pip}
            if program in selected:
                return selected[program]
    requests = {normalize_name(name): request for name, request in env.requests.items()}
    exact = _EXACT.fullmatch(requests.get(program, ""))
    return exact[1] if exact else None


def _lint_ignored_keys(
    spec: LoadedSpec, path: KeyPath, product: Product, version: str
) -> Iterator[Diagnostic]:
    """Report the keys that this version of the program does not read."""
    settings = spec.rig.env[str(path[1])].config[product.name]
    for setting in product.settings:
        key_path = _find_key(settings, setting)
        if key_path and not parse_alternative(setting.versions).admits(None, version):
            yield Diagnostic(
                code="RS218",
                severity=Severity.WARNING,
                message=f"{product.title} {version} does not read `{setting.key}`",
                components=(product.name,),
                spans=(spec.document.span((*path, *key_path), of="key", label="ignored"),),
                facts=(Fact(f"{product.name}/{setting.key}", setting.statement, setting.sources),),
                help=(f"write `{setting.instead}`" if setting.instead else "remove it",),
            )


def _lint_missing_keys(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report programs that load a framework which their environment does not have."""
    variables = spec.rig.system.env if spec.rig.system is not None else {}
    for env in resolution.envs if resolution is not None else ():
        pins = {pin.name: pin.version for pin in env.frameworks}
        config = spec.rig.env[env.name].config
        for program in pins:
            for row in matrix.product(program).default_settings if program in matrix else ():
                known = row.needs in pins or row.variable in variables
                if known or row.key in flatten_settings(config.get(program, {})):
                    continue
                if parse_alternative(row.versions).admits(None, pins[program]):
                    yield _build_missing_key(spec, env, matrix.product(program), row)


def _build_missing_key(
    spec: LoadedSpec, env: EnvResolution, product: Product, row: DefaultSetting
) -> Diagnostic:
    version = next(pin.version for pin in env.frameworks if pin.name == product.name)
    present = next((pin.name for pin in env.frameworks if pin.name in row.instead), None)
    table = "frameworks" if product.name in spec.rig.env[env.name].frameworks else "packages"
    path: KeyPath = ("env", env.name, table, product.name)
    advice = f"add {row.needs} to its frameworks"
    if present is not None:
        place = f"[env.{env.name}.config.{product.name}]"
        advice = f'write `{row.key} = "{present}"` in `{place}`, or {advice}'
    return Diagnostic(
        code="RS259",
        severity=Severity.WARNING,
        message=f"{product.title} {version} imports {row.needs}, which `{env.name}` does not have",
        components=(product.name,),
        spans=(spec.document.span(path, label="its import fails"),),
        facts=(Fact(f"{product.name}/{row.key}", row.statement, row.sources),),
        help=(advice,),
    )


def _find_key(settings: object, setting: Setting) -> tuple[str, ...]:
    """Return the path of a key, dotted or in a table; empty if it is not set."""
    if not isinstance(settings, dict):
        return ()
    if setting.key in settings:
        return (setting.key,)
    table, _, key = setting.key.rpartition(".")
    nested = settings.get(table)
    return (table, key) if isinstance(nested, dict) and key in nested else ()


def _build_unknown_file(spec: LoadedSpec, path: KeyPath, program: str) -> Diagnostic:
    return Diagnostic(
        code="RS235",
        severity=Severity.ERROR,
        message=f"no settings file is known for `{program}`",
        spans=(spec.document.span(path, of="key", label="these settings would not be read"),),
        help=("remove the table, or install a file with `[download]`",),
    )


def _lint_unwritable(
    spec: LoadedSpec, path: KeyPath, product: Product, file: SettingsFile
) -> Iterator[Diagnostic]:
    settings = spec.rig.env[str(path[1])].config[product.name]
    try:
        render_settings(file.format, settings)
    except UnwritableSetting as error:
        at = error.key if error.key in settings else error.key.rpartition(".")[0]
        yield Diagnostic(
            code="RS236",
            severity=Severity.ERROR,
            message=f"`{error.key}` cannot be written to {file.path} of {product.title}: "
            f"{error.reason}",
            spans=(spec.document.span((*path, at), label="cannot be written"),),
        )


def _lint_shared_files(spec: LoadedSpec, matrix: Matrix) -> Iterator[Diagnostic]:
    """Report environments with different settings in a file that each user has only once."""
    first: dict[str, str] = {}
    for env_name, env in sorted(spec.rig.env.items()):
        for program in sorted(env.config):
            file = matrix.product(program).settings_file if program in matrix else None
            if file is None or file.place != "home":
                continue
            other = first.setdefault(program, env_name)
            if flatten_settings(spec.rig.env[other].config[program]) != flatten_settings(
                env.config[program]
            ):
                paths = [("env", name, "config", program) for name in (env_name, other)]
                title = matrix.product(program).title
                yield Diagnostic(
                    code="RS237",
                    severity=Severity.ERROR,
                    message=f"`{other}` and `{env_name}` have different settings, but {title} "
                    f"reads them from one file per user, ~/{file.path}",
                    components=(program,),
                    spans=(
                        spec.document.span(paths[0], of="key", label="these settings"),
                        spec.document.span(paths[1], of="key", label="differ from these"),
                    ),
                    facts=(Fact(f"{program}/settings", file.statement, file.sources),),
                    help=("use the same settings in both environments",),
                )
