"""Settings files: whether there is one, who reads its keys, what cannot stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.model import Matrix, Product, Setting, SettingsFile
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.environment import Environment
from rigspec.spec.settings_file import UnwritableSetting, flatten_settings, render_settings
from rigspec.version_specifiers import parse_alternative

__all__ = ["settings_advice"]

_EXACT = re.compile(r"(?:==)?\s*(\d+(?:\.\d+)+)")


def settings_advice(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Errors for files that cannot be, and a warning for each key that nobody reads."""
    for env_name, env in sorted(spec.rig.env.items()):
        for program in sorted(env.config):
            path: KeyPath = ("env", env_name, "config", program)
            product = matrix.product(program) if program in matrix else None
            if product is None or product.settings_file is None:
                yield _no_file(spec, path, program)
                continue
            yield from _unwritable(spec, path, product, product.settings_file)
            version = _version(env_name, env, program, resolution)
            if version is not None:
                yield from _ignored_keys(spec, path, product, version)
    yield from _shared_files(spec, matrix)


def _version(
    env_name: str, env: Environment, program: str, resolution: Resolution | None
) -> str | None:
    """The version that was decided, or the only one that the spec admits."""
    for chosen in resolution.envs if resolution is not None else ():
        if chosen.name == env_name:
            decided = {pin.name: pin.version for pin in chosen.frameworks} | {"pip": chosen.pip}
            if program in decided:
                return decided[program]
    asked = {str(canonicalize_name(name)): request for name, request in env.packages.items()}
    exact = _EXACT.fullmatch(asked.get(program, ""))
    return exact[1] if exact else None


def _ignored_keys(
    spec: LoadedSpec, path: KeyPath, product: Product, version: str
) -> Iterator[Diagnostic]:
    """The keys that this version of its framework does not read."""
    settings = spec.rig.env[str(path[1])].config[product.name]
    for setting in product.settings:
        at = _place(settings, setting)
        if at and not parse_alternative(setting.versions).admits(None, version):
            yield Diagnostic(
                code="RS218",
                severity=Severity.WARNING,
                message=f"{product.title} {version} does not read `{setting.key}`",
                components=(product.name,),
                spans=(spec.document.span((*path, *at), of="key", label="ignored"),),
                facts=(Fact(f"{product.name}/{setting.key}", setting.statement, setting.sources),),
                help=(f"write `{setting.instead}`" if setting.instead else "take it out",),
            )


def _place(settings: object, setting: Setting) -> tuple[str, ...]:
    """Where the key stands, with its dots or in a table; empty where it does not."""
    if not isinstance(settings, dict):
        return ()
    if setting.key in settings:
        return (setting.key,)
    table, _, key = setting.key.rpartition(".")
    below = settings.get(table)
    return (table, key) if isinstance(below, dict) and key in below else ()


def _no_file(spec: LoadedSpec, path: KeyPath, program: str) -> Diagnostic:
    return Diagnostic(
        code="RS235",
        severity=Severity.ERROR,
        message=f"the matrix knows no settings file of `{program}`",
        spans=(spec.document.span(path, of="key", label="nobody would read them"),),
        help=("take the table out, or bring the file with `[download]`",),
    )


def _unwritable(
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
            message=f"`{error.key}` cannot stand in {product.title}'s {file.path}: {error.reason}",
            spans=(spec.document.span((*path, at), label="cannot be written"),),
        )


def _shared_files(spec: LoadedSpec, matrix: Matrix) -> Iterator[Diagnostic]:
    """A file that each user has once cannot say different things of two environments."""
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
                    message=f"{title} reads one ~/{file.path}, and `{other}` and `{env_name}` "
                    "want different ones",
                    components=(program,),
                    spans=(
                        spec.document.span(paths[0], of="key", label="this one"),
                        spec.document.span(paths[1], of="key", label="differs from this one"),
                    ),
                    facts=(Fact(f"{program}/settings", file.statement, file.sources),),
                    help=("give both environments the same settings",),
                )
