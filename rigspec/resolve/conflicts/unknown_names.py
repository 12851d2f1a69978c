"""Names and versions in a spec that the matrix has never heard of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.loader import product_names
from rigspec.matrix.model import Matrix, Release
from rigspec.matrix.part_lookup import find_part, variants_of
from rigspec.resolve.components import diagnostic_name
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import Component, KeyPath, Requirement
from rigspec.resolve.problem.requirements import asked_frameworks
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.toml.document import Document
from rigspec.version_specifiers import parse_alternative, version_key

__all__ = ["unknown_name_errors", "unsatisfiable_requirements"]


def unknown_name_errors(
    spec: LoadedSpec, machine_name: str | None, matrix: Matrix
) -> tuple[Diagnostic, ...]:
    """Errors for the frameworks, systems and GPUs that the matrix does not know."""
    found = list(_unknown_frameworks(spec, matrix))
    if machine_name is not None:
        found += _unknown_os(spec, machine_name, matrix)
        found += _unknown_gpus(spec, machine_name, matrix)
    return tuple(found)


def unsatisfiable_requirements(
    assembly: ProblemBuilder, document: Document
) -> tuple[tuple[Diagnostic, ...], tuple[Requirement, ...]]:
    """Errors for lines that no known release satisfies, and the claims without those lines."""
    components = {component.key: component for component in assembly.components}
    hopeless = [c for c in assembly.claims if not components[c.component].mask(c.alternatives)]
    if not hopeless:
        return (), assembly.claims
    diagnostics = tuple(_no_release(c, components[c.component], document) for c in hopeless)
    return diagnostics, tuple(claim for claim in assembly.claims if claim not in hopeless)


def _no_release(claim: Requirement, component: Component, document: Document) -> Diagnostic:
    candidates = component.candidates
    if claim.prefix:
        # The line names one of the packages of a framework: each has releases of its own.
        of_package = tuple(c for c in candidates if c.family == claim.prefix)
        candidates = of_package or candidates
    title = claim.prefix or component.title
    versions = [c.version if claim.prefix else c.label for c in candidates]
    known = versions[0] if len(set(versions)) == 1 else f"{versions[-1]} to {versions[0]}"
    asked = claim.written
    spans = (document.span(claim.path, label=claim.label),) if claim.path is not None else ()
    other = _other_package(claim, component)
    near = [] if other else get_close_matches(asked, versions, n=3, cutoff=0.5)
    return Diagnostic(
        code="RS214",
        severity=Severity.ERROR,
        message=f"no {title} that the matrix knows is {asked}",
        between=(diagnostic_name(component.name),),
        spans=spans,
        help=(f"the matrix knows {title} {known}{_near(near)}", *other),
    )


def _other_package(claim: Requirement, component: Component) -> tuple[str, ...]:
    """The package of the same framework that has what this one never had."""
    if not claim.prefix:
        return ()
    found = list(component.universe.members(component.mask((claim.written,))))
    if not found:
        return ()
    other, asked = found[0].family or component.name, claim.written
    last = next((c.version for c in component.candidates if c.family == claim.prefix), None)
    if last is not None and version_key(last) < version_key(found[-1].version):
        told = f"the package {claim.prefix} ended with {last}"
    else:
        told = f"the package {claim.prefix} has no such release"
    return (f'{told}; {other} has it: write `{other} = "{asked}"`',)


def _unknown_frameworks(spec: LoadedSpec, matrix: Matrix) -> Iterator[Diagnostic]:
    for env_name, env in sorted(spec.rig.env.items()):
        known = {asked.key: asked.product for asked in asked_frameworks(env)}
        for framework in sorted(env.frameworks):
            product = known.get(framework)
            if product is None or matrix.product(product).kind != "framework":
                path = ("env", env_name, "frameworks", framework)
                message = f"the matrix knows no framework `{framework}`"
                advice = "list a plain Python package under `packages` instead"
                names = product_names()
                yield _unknown(spec.document, path, message, framework, names, advice, "key")


def _unknown_os(spec: LoadedSpec, machine_name: str, matrix: Matrix) -> Iterator[Diagnostic]:
    asked = spec.rig.machine[machine_name].os
    family = parse_alternative(asked).family or asked
    families = {release.family or "" for release in matrix.product("os").releases}
    if family.lower() not in {name.lower() for name in families}:
        path = ("machine", machine_name, "os")
        message = f"the matrix knows no operating system `{family}`"
        yield _unknown(spec.document, path, message, family, sorted(families), "")


def _unknown_gpus(spec: LoadedSpec, machine_name: str, matrix: Matrix) -> Iterator[Diagnostic]:
    machine = spec.rig.machine[machine_name]
    for index, gpu in enumerate(machine.gpus):
        if gpu.compute_capability is None and find_part(matrix.product("gpu"), gpu.model) is None:
            path = ("machine", machine_name, "gpus", index, "model")
            variants = variants_of(matrix.product("gpu"), gpu.model)
            if variants:
                yield _several(spec.document, path, gpu.model, variants)
                continue
            names = [name for r in matrix.product("gpu").releases for name in (r.label, *r.names)]
            diagnostic = _unknown(
                spec.document,
                path,
                f"the matrix does not know the GPU `{gpu.model}`",
                gpu.model,
                names,
                "give its `compute_capability` (and `memory`, `watts`, `length`) beside the model",
            )
            yield replace(diagnostic, code="RS101", between=("gpu",))
    if machine.instance is not None and not machine.gpus:
        instances = matrix.product("instance")
        if find_part(instances, machine.instance) is None:
            place: KeyPath = ("machine", machine_name, "instance")
            message = f"the matrix does not know the instance `{machine.instance}`"
            names = [release.label for release in instances.releases]
            advice = "give its `gpus` beside the instance"
            yield _unknown(spec.document, place, message, machine.instance, names, advice)


def _several(
    document: Document, path: KeyPath, model: str, variants: tuple[Release, ...]
) -> Diagnostic:
    told = [
        f"{release.version}: compute capability {release.implies[0].alternatives[0][2:]}"
        for release in variants
    ]
    return Diagnostic(
        code="RS101",
        severity=Severity.ERROR,
        message=f"the GPU `{model}` was sold with several chips",
        between=("gpu",),
        spans=(document.span(path, label="which of them?"),),
        facts=(Fact(f"gpu-{model}".lower(), "; ".join(told), variants[0].sources),),
        help=("name the chip too, or give the card's `compute_capability` beside the model",),
    )


def _unknown(
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
    help_lines = [f"nearest known: {', '.join(by_lower[n] for n in near)}"] if near else []
    return Diagnostic(
        code="RS009",
        severity=Severity.ERROR,
        message=message,
        spans=(span,),
        help=(*help_lines, *([advice] if advice else [])),
    )


def _near(near: list[str]) -> str:
    return f"; nearest: {', '.join(near)}" if near else ""
