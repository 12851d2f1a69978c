"""Format a chosen release as the new value of a line of the spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.specifiers import Specifier
from packaging.version import Version

from rigspec.resolve.problem.model import Candidate, Component, Problem, Requirement
from rigspec.resolve.solver.sat import Solution
from rigspec.version_specifiers import get_extras, get_version_key, parse_alternative

__all__ = ["edit_value", "list_named_versions"]

_FROM_BELOW = (">=", ">")
_FROM_ABOVE = ("<", "<=")


def edit_value(problem: Problem, line: Requirement, solution: Solution) -> str | None:
    """Return the value of the line for the chosen release; None where no value expresses it."""
    component = problem.component(line.component)
    chosen = solution[line.component]
    text = _format_as_precisely(line, chosen)
    if not component.has_ranges:
        return text
    bound = _bound_set_by_rules(problem, component, line, solution)
    exactly = _without_v(line.written)[:1].isdigit() or bound is None
    if exactly and _is_named(text, problem, component):
        return text
    return bound or _exclude_versions(component, line, chosen)


def list_named_versions(problem: Problem, component: Component) -> frozenset[Version]:
    """Return the releases of a package that conditions of rules name one by one.

    What a rule says of such a release is known, unlike of a release between two of them.
    """
    return frozenset(
        Version(specifier.version)
        for rule_table in problem.rule_tables
        for row in rule_table.constraints
        for key, texts in row.when
        if key == component.key
        for text in texts
        for specifier in parse_alternative(text).versions or ()
        if specifier.operator == "==" and not specifier.version.endswith(".*")
    )


def _format_as_precisely(line: Requirement, chosen: Candidate) -> str:
    """Return the chosen release, as precise as the line."""
    requested = _without_v(line.written)
    version = chosen.version.partition("+")[0]
    if not version[:1].isdigit():
        return chosen.version
    last_word = requested.split()[-1]
    if last_word.startswith(">=") and get_version_key(
        last_word[2:].split(",")[0]
    ) < get_version_key(version):
        version = f">={version}"
    elif last_word.replace(".", "").isdigit():
        version = ".".join(version.split(".")[: max(1, last_word.count(".") + 1)])
    if not all(part.isdigit() for part in version.removeprefix(">=").split(".")):
        version = f"=={version.removeprefix('>=')}"  # a bare request is made of numbers
    named = chosen.family is not None and parse_alternative(requested).family is not None
    return f"{chosen.family} {version}" if named else version


def _exclude_versions(component: Component, line: Requirement, chosen: Candidate) -> str | None:
    """Return a bound below the versions that a line requests, if an older one was chosen.

    A rule has the package as its condition, and names no version that another one would fit.
    """
    written = line.written[len(get_extras(line.written)) :].strip()
    version = _without_v(written.removeprefix("==").removeprefix(">=").strip())
    requested = _list_requested(component, line)
    if not version[:1].isdigit() or not requested:
        return None
    return f"<{min(requested)}" if Version(chosen.version) < min(requested) else None


def _list_requested(component: Component, line: Requirement) -> list[Version]:
    return [
        Version(c.version) for c in component.universe.members(component.mask(line.alternatives))
    ]


def _without_v(text: str) -> str:
    """Return a version without the `v` that people write before it."""
    return text[1:] if text[:1] in ("v", "V") and text[1:2].isdigit() else text


def _is_named(text: str, problem: Problem, component: Component) -> bool:
    """Return whether a rule names such a release, and not only the versions around it."""
    wanted = Version(text.removeprefix(">=").removeprefix("=="))
    if any(_is_in_series(v, wanted) for v in list_named_versions(problem, component)):
        return True
    return any(
        specifier.operator in ("==", "~=", ">=", "<=")
        and _is_in_series(Version(specifier.version.removesuffix(".*")), wanted)
        for rule_table in problem.rule_tables
        for row in rule_table.constraints
        if row.requires[0] == component.key
        for alternative in row.requires[1]
        for specifier in parse_alternative(alternative).versions or ()
    )


def _is_in_series(version: Version, series: Version) -> bool:
    return version.release[: len(series.release)] == series.release


def _bound_set_by_rules(
    problem: Problem, component: Component, line: Requirement, solution: Solution
) -> str | None:
    """Return the bound that the rules set, on the side on which they exclude the line."""
    chosen = Version(solution[component.key].version)
    requested = _list_requested(component, line)
    below = bool(requested) and chosen < min(requested)
    above = bool(requested) and chosen > max(requested)
    specifiers = list(_active_specifiers(problem, component, solution))
    exact = [s for s in specifiers if s.operator not in (*_FROM_BELOW, *_FROM_ABOVE)]
    lower = () if below else _tightest(specifiers, _FROM_BELOW)
    upper = () if above else _tightest(specifiers, _FROM_ABOVE)
    found = [str(specifier) for specifier in (exact or (*lower, *upper))]
    return ",".join(dict.fromkeys(found)) or None


def _active_specifiers(
    problem: Problem, component: Component, solution: Solution
) -> Iterator[Specifier]:
    """Yield the specifiers on the component of rules that the solution activates."""
    chosen = solution[component.key]
    for rule_table in problem.rule_tables:
        for row in rule_table.constraints:
            if row.requires[0] == component.key and all(
                problem.component(key).universe.admits(texts, solution[key])
                for key, texts in row.when
            ):
                for text in row.requires[1]:
                    if component.universe.admits((text,), chosen):
                        yield from parse_alternative(text).versions or ()
                        break


def _tightest(specifiers: Iterable[Specifier], operators: tuple[str, ...]) -> tuple[Specifier, ...]:
    """Return the specifier that leaves the fewest versions."""
    found = {Version(s.version): s for s in specifiers if s.operator in operators}
    if not found:
        return ()
    return (found[min(found) if operators is _FROM_ABOVE else max(found)],)
