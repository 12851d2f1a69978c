"""How a chosen release is written into a line of the spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.specifiers import Specifier
from packaging.version import Version

from rigspec.resolve.problem.model import Candidate, Component, Problem, Requirement
from rigspec.resolve.solver.sat import Solution
from rigspec.version_specifiers import parse_alternative, version_key

__all__ = ["edited_value"]

_FROM_BELOW = (">=", ">")
_FROM_ABOVE = ("<", "<=")


def edited_value(problem: Problem, line: Requirement, solution: Solution) -> str | None:
    """What stands in the line for the release that was chosen; None where nothing can say it."""
    component = problem.component(line.component)
    chosen = solution[line.component]
    text = _as_precisely(line, chosen)
    if not component.stands_in:
        return text
    bound = _bound(problem, component, line, solution)
    exactly = line.written[:1].isdigit() or bound is None
    return text if exactly and _named(text, problem, component) else bound


def _as_precisely(line: Requirement, chosen: Candidate) -> str:
    """The chosen release, written as precisely as the line was."""
    asked = line.written
    version = chosen.version.partition("+")[0]
    if not version[:1].isdigit():
        return chosen.version
    words = asked.split()[-1]
    if words.startswith(">=") and version_key(words[2:].split(",")[0]) < version_key(version):
        version = f">={version}"
    elif words.replace(".", "").isdigit():
        version = ".".join(version.split(".")[: max(1, words.count(".") + 1)])
    if not all(part.isdigit() for part in version.removeprefix(">=").split(".")):
        version = f"=={version.removeprefix('>=')}"  # a bare request is made of numbers
    named = chosen.family is not None and not asked[:1].isdigit() and asked[:1] not in "<>=!~*"
    return f"{chosen.family} {version}" if named else version


def _named(text: str, problem: Problem, component: Component) -> bool:
    """Whether a row says that there is such a release, and not only what lies before or after."""
    wanted = Version(text.removeprefix(">=").removeprefix("=="))
    return any(
        specifier.operator in ("==", "~=", ">=", "<=")
        and _begins(Version(specifier.version.removesuffix(".*")), wanted)
        for sheet in problem.sheets
        for row in sheet.constraints
        if row.must[0] == component.key
        for alternative in row.must[1]
        for specifier in parse_alternative(alternative).versions or ()
    )


def _begins(version: Version, series: Version) -> bool:
    return version.release[: len(series.release)] == series.release


def _bound(
    problem: Problem, component: Component, line: Requirement, solution: Solution
) -> str | None:
    """The bound that the rows set, on the side on which they refuse what the line asks for."""
    chosen = Version(solution[component.key].version)
    asked = [
        Version(c.version) for c in component.universe.members(component.mask(line.alternatives))
    ]
    below = bool(asked) and chosen < min(asked)
    above = bool(asked) and chosen > max(asked)
    specifiers = list(_in_force(problem, component, solution))
    exact = [s for s in specifiers if s.operator not in (*_FROM_BELOW, *_FROM_ABOVE)]
    lower = () if below else _tightest(specifiers, _FROM_BELOW)
    upper = () if above else _tightest(specifiers, _FROM_ABOVE)
    found = [str(specifier) for specifier in (exact or (*lower, *upper))]
    if not found and below and line.written.startswith(">="):
        # A row speaks of the package as its condition: what it is not to be is what was asked for.
        found = [f"<{min(asked)}"]
    return ",".join(dict.fromkeys(found)) or None


def _in_force(problem: Problem, component: Component, solution: Solution) -> Iterator[Specifier]:
    """What the rows whose conditions the solution meets say of the component."""
    chosen = solution[component.key]
    for sheet in problem.sheets:
        for row in sheet.constraints:
            if row.must[0] == component.key and all(
                problem.component(key).universe.admits(texts, solution[key])
                for key, texts in row.when
            ):
                for text in row.must[1]:
                    if component.universe.admits((text,), chosen):
                        yield from parse_alternative(text).versions or ()
                        break


def _tightest(specifiers: Iterable[Specifier], operators: tuple[str, ...]) -> tuple[Specifier, ...]:
    """The one that leaves the least."""
    found = {Version(s.version): s for s in specifiers if s.operator in operators}
    if not found:
        return ()
    return (found[min(found) if operators is _FROM_ABOVE else max(found)],)
