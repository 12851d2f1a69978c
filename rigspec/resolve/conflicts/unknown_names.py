"""Names and versions in a spec that are not in the matrix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.loader import list_product_names
from rigspec.matrix.model import Matrix, Product, Release
from rigspec.matrix.part_lookup import (
    find_other_maker,
    find_part,
    find_similar_parts,
    find_variants,
)
from rigspec.resolve.components import get_diagnostic_name
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.domains import Candidate
from rigspec.resolve.problem.model import Component, KeyPath, Requirement
from rigspec.resolve.problem.requested_packages import (
    list_package_products,
    list_requested_frameworks,
)
from rigspec.resolve.problem.systems import find_unlisted_system
from rigspec.resolve.problem.written_versions import find_exact_version, find_index_without
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.toml.document import Document
from rigspec.version_specifiers import get_version_key, normalize_name, parse_alternative

__all__ = [
    "find_unknown_names",
    "find_unsatisfiable_requirements",
    "list_unsatisfiable_requirements",
]

# `2x RTX 5090` and `RTX 5090 x2`, with single spaces.
_COUNTED = re.compile(
    r"(?P<before>\d+) ?x ?(?P<model>[^ ].*)|(?P<first>.*[^ ]) x ?(?P<after>\d+)", re.IGNORECASE
)


def find_unknown_names(
    spec: LoadedSpec, machine_name: str | None, matrix: Matrix
) -> tuple[tuple[KeyPath, Diagnostic], ...]:
    """Return the keys of frameworks, systems and GPUs that are not in the matrix, with errors."""
    found = list(_unknown_frameworks(spec, matrix))
    if machine_name is not None:
        found += _unknown_os(spec, machine_name, matrix)
        found += _unknown_gpus(spec, machine_name, matrix)
    return tuple(found)


def find_unsatisfiable_requirements(
    builder: ProblemBuilder, document: Document
) -> tuple[tuple[Diagnostic, ...], tuple[Requirement, ...]]:
    """Return errors for lines that no known release satisfies, and the requirements without them.

    In their place, such lines admit every release: what they request can conflict with others at
    any version, and then the conflict shows them.
    """
    hopeless = list_unsatisfiable_requirements(builder)
    if not hopeless:
        return (), builder.requirements
    components = {component.key: component for component in builder.components}
    diagnostics = tuple(
        _no_release_error(c, components[c.component], builder, document) for c in hopeless
    )
    return diagnostics, tuple(
        replace(c, alternatives=("*",), editable=False, display="") if c in hopeless else c
        for c in builder.requirements
        if c not in hopeless or c.path is not None
    )


def list_unsatisfiable_requirements(builder: ProblemBuilder) -> list[Requirement]:
    """Return the requirements that no known release satisfies."""
    components = {component.key: component for component in builder.components}
    return [c for c in builder.requirements if not components[c.component].mask(c.alternatives)]


def _no_release_error(
    requirement: Requirement, component: Component, builder: ProblemBuilder, document: Document
) -> Diagnostic:
    candidates = component.candidates
    if requirement.prefix:
        # The line names one of the packages of a framework: each has its own releases.
        of_package = tuple(c for c in candidates if c.family == requirement.prefix)
        candidates = of_package or candidates
    title = requirement.prefix or component.title
    versions = [c.version if requirement.prefix else c.label for c in candidates]
    # A yanked release is the last of the candidates, not the oldest.
    yanked = component.universe.on_request
    usual = [v for c, v in zip(candidates, versions, strict=True) if c not in yanked] or versions
    known = usual[0] if len(set(usual)) == 1 else f"{usual[-1]} to {usual[0]}"
    requested = requirement.written
    spans = (
        (document.span(requirement.path, label=requirement.label),)
        if requirement.path is not None
        else ()
    )
    other = _other_package(requirement, component)
    near = [] if other else get_close_matches(requested, versions, n=3, cutoff=0.5)
    product = builder.find_product(component.name)
    help_lines = [f"known versions of {title}: {known}{_format_nearest(near)}", *other]
    facts = _list_facts(requirement, component, known, product)
    if facts and not other and _is_newer(requested, candidates):
        day = max(source.read for source in facts[0].sources)
        help_lines.append(
            f"upgrade rigspec if {title} {requested} was released after {day}: "
            "it may have newer tables"
        )
    return Diagnostic(
        code="RS214",
        severity=Severity.ERROR,
        message=f"unknown {title} version `{requested}`",
        components=(get_diagnostic_name(component.name),),
        spans=spans,
        facts=facts,
        help=tuple(help_lines),
    )


def _is_newer(requested: str, candidates: Sequence[Candidate]) -> bool:
    """Return whether a version is newer than each of the candidates."""
    version = find_exact_version(parse_alternative(requested))
    if version is None:
        return False
    return all(get_version_key(version) > get_version_key(c.version) for c in candidates)


def _list_facts(
    requirement: Requirement, component: Component, known: str, product: Product | None
) -> tuple[Fact, ...]:
    """Return the list that does not have the version, with its source."""
    if product is None:
        return ()
    package = requirement.prefix or product.name
    version = find_exact_version(parse_alternative(requirement.written))
    upload = find_index_without(product.name, package, version) if version is not None else None
    if upload is not None:
        statement = f"the package index has no {package} {version}"
        return (Fact(f"{product.name}/releases", statement, (upload.source,)),)
    newest = next((r for r in product.releases if r.label == component.candidates[0].label), None)
    statement = f"the releases of {requirement.prefix or component.title} are {known}"
    return (Fact(f"{product.name}/releases", statement, newest.sources),) if newest else ()


def _other_package(requirement: Requirement, component: Component) -> tuple[str, ...]:
    """Return help that names the package of the same framework with such a release."""
    if not requirement.prefix:
        return ()
    found = list(component.universe.members(component.mask((requirement.written,))))
    if not found:
        return ()
    other, requested = found[0].family or component.name, requirement.written
    last = next((c.version for c in component.candidates if c.family == requirement.prefix), None)
    if last is not None and get_version_key(last) < get_version_key(found[-1].version):
        statement = f"the last release of the package {requirement.prefix} is {last}"
    else:
        statement = f"the package {requirement.prefix} has no such release"
    return (f'{statement}; {other} has it: write `{other} = "{requested}"`',)


def _unknown_frameworks(spec: LoadedSpec, matrix: Matrix) -> Iterator[tuple[KeyPath, Diagnostic]]:
    for env_name, env in sorted(spec.rig.env.items()):
        known = {requested.key: requested.product for requested in list_requested_frameworks(env)}
        packages = set(list_package_products(env))
        for framework in sorted(env.frameworks):
            product = known.get(framework)
            if PACKAGE_PREFIX + normalize_name(framework) in packages:
                continue
            if product is None or matrix.product(product).kind != "framework":
                path: KeyPath = ("env", env_name, "frameworks", framework)
                message = f"unknown framework `{framework}`"
                advice = "list other Python packages under `packages`"
                names = [name.removeprefix(PACKAGE_PREFIX) for name in list_product_names()]
                document = spec.document
                yield (
                    path,
                    _unknown_name_error(document, path, message, framework, names, advice, "key"),
                )


def _unknown_os(
    spec: LoadedSpec, machine_name: str, matrix: Matrix
) -> Iterator[tuple[KeyPath, Diagnostic]]:
    requested = spec.rig.machine[machine_name].os
    if requested is None:
        return
    family = parse_alternative(requested).family or requested
    product = matrix.product("os")
    families = {release.family or "" for release in product.releases}
    known = family.lower() in {name.lower() for name in families}
    if not known and find_unlisted_system(requested, product) is None:
        path: KeyPath = ("machine", machine_name, "os")
        maker = find_other_maker(product, requested)
        if maker is not None:
            yield path, _other_system_error(spec.document, path, requested, maker)
            return
        message = f"unknown operating system `{family}`"
        names = sorted(families)
        yield path, _unknown_name_error(spec.document, path, message, family, names, "")


def _other_system_error(document: Document, path: KeyPath, name: str, maker: str) -> Diagnostic:
    help_lines = {
        "Windows": 'for WSL, set `kind = "wsl"` and name the Linux system of WSL',
    }
    return Diagnostic(
        code="RS009",
        severity=Severity.ERROR,
        message=f"`{name}` is not a Linux system ({maker}): rigspec installs on Linux only",
        spans=(document.span(path, label="not a Linux system"),),
        help=(help_lines.get(maker, "name the Linux system of the machine or the container"),),
    )


def _unknown_gpus(
    spec: LoadedSpec, machine_name: str, matrix: Matrix
) -> Iterator[tuple[KeyPath, Diagnostic]]:
    machine = spec.rig.machine[machine_name]
    for index, gpu in enumerate(machine.gpus):
        if gpu.compute_capability is None and find_part(matrix.product("gpu"), gpu.model) is None:
            path: KeyPath = ("machine", machine_name, "gpus", index, "model")
            variants = find_variants(matrix.product("gpu"), gpu.model)
            if variants:
                yield path, _ambiguous_gpu_error(spec.document, path, gpu.model, variants)
                continue
            gpus = matrix.product("gpu")
            yield path, _unknown_gpu_error(spec.document, path, gpu.model, gpus)
    if machine.instance is not None and not machine.gpus:
        instances = matrix.product("instance")
        if find_part(instances, machine.instance) is None:
            place: KeyPath = ("machine", machine_name, "instance")
            message = f"unknown instance `{machine.instance}`"
            names = [release.label for release in instances.releases]
            advice = "add `gpus` next to the instance"
            error = _unknown_name_error(
                spec.document, place, message, machine.instance, names, advice
            )
            yield place, error


def _unknown_gpu_error(
    document: Document, path: KeyPath, model: str, product: Product
) -> Diagnostic:
    maker = find_other_maker(product, model)
    near = [release.version for release in find_similar_parts(product, model)]
    if maker is not None:
        message = f"`{model}` is not an NVIDIA GPU ({maker}): CUDA does not run on it"
        help_lines = ["name an NVIDIA GPU, or leave out `gpus` to run on the CPU"]
    elif (counted := _read_count(product, model)) is not None:
        name, count = counted
        message = f"unknown GPU `{model}`: the number is a value of its table"
        help_lines = [f'write `{{ model = "{name}", count = {count} }}`']
    else:
        message = f"unknown GPU `{model}`"
        help_lines = [f"similar names: {', '.join(near)}"] if near else []
        advice = "add `compute_capability` (and `memory`, `watts`, `length`) next to the model"
        help_lines.append(advice)
    return Diagnostic(
        code="RS101",
        severity=Severity.ERROR,
        message=message,
        components=("gpu",),
        spans=(document.span(path, label="not in the matrix"),),
        help=tuple(help_lines),
    )


def _read_count(product: Product, model: str) -> tuple[str, str] | None:
    """Return the name and the number of cards in `2x RTX 5090`; None for another text."""
    match = _COUNTED.fullmatch(" ".join(model.split()))
    if match is None:
        return None
    name, count = match["model"] or match["first"], match["before"] or match["after"]
    return (name, count) if find_part(product, name) is not None else None


def _ambiguous_gpu_error(
    document: Document, path: KeyPath, model: str, variants: tuple[Release, ...]
) -> Diagnostic:
    statement = [
        f"{release.version}: compute capability {release.implies[0].alternatives[0][2:]}"
        for release in variants
    ]
    sources = tuple(dict.fromkeys(source for release in variants for source in release.sources))
    return Diagnostic(
        code="RS101",
        severity=Severity.ERROR,
        message=f"the GPU `{model}` was sold with several chips",
        components=("gpu",),
        spans=(document.span(path, label="ambiguous"),),
        facts=(Fact(f"gpu-{model}".lower(), "; ".join(statement), sources),),
        help=("add the chip to the name, or `compute_capability` next to the model",),
    )


def _unknown_name_error(
    document: Document,
    path: KeyPath,
    message: str,
    name: str,
    known: Iterable[str],
    advice: str,
    of: str = "value",
) -> Diagnostic:
    near = get_close_matches(name.lower(), {k.lower(): k for k in known}, n=3, cutoff=0.6)
    by_lower = {k.lower(): k for k in known}
    span = document.span(path, of="key" if of == "key" else "value", label="not in the matrix")
    help_lines = [f"similar names: {', '.join(by_lower[n] for n in near)}"] if near else []
    return Diagnostic(
        code="RS009",
        severity=Severity.ERROR,
        message=message,
        spans=(span,),
        help=(*help_lines, *([advice] if advice else [])),
    )


def _format_nearest(near: list[str]) -> str:
    return f"; similar: {', '.join(near)}" if near else ""
