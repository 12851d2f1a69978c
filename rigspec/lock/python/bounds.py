"""Constraints that the machine and the matrix add to those of the spec."""

from __future__ import annotations

from dataclasses import dataclass, field

from packaging.requirements import Requirement

from rigspec.lock.python.framework_rules import PackageRule

__all__ = ["Bounds"]


@dataclass
class Bounds:
    """Constraints besides those of the spec.

    ``tried`` are releases that ``rules`` depend on. ``for_packages`` are the ranges of frameworks
    that fit a package, the latest last: the framework, its range before, and the releases of the
    package that do not fit the framework otherwise.
    """

    ranges: dict[str, str] = field(default_factory=dict)
    excluded: set[tuple[str, str]] = field(default_factory=set)
    rules: list[PackageRule] = field(default_factory=list)
    tried: dict[str, str] = field(default_factory=dict)
    for_packages: list[tuple[str, str | None, set[tuple[str, str]]]] = field(default_factory=list)

    def bound_for_package(
        self, framework: str, versions: str, others: set[tuple[str, str]]
    ) -> None:
        """Bound a framework to fit a package; ``others`` are the releases to exclude instead."""
        self.for_packages.append((framework, self.ranges.get(framework), others))
        self.ranges[framework] = versions

    def exclude_package(self) -> bool:
        """Exclude those releases instead of the latest such bound; False without one."""
        if not self.for_packages:
            return False
        framework, before, others = self.for_packages.pop()
        if before is None:
            self.ranges.pop(framework, None)
        else:
            self.ranges[framework] = before
        self.excluded |= others
        return True

    def lines(self) -> tuple[str, ...]:
        """Return the constraints, sorted."""
        lines = {name + versions for name, versions in self.ranges.items()}
        lines |= {f"{name}!={version}" for name, version in self.excluded}
        lines |= {rule.requirement for rule in self.rules}
        lines |= {f"{name}=={version}" for name, version in self.tried.items()}
        return tuple(sorted(lines))

    def origins(self) -> dict[str, str]:
        """Return why packages are constrained, by name."""
        found = {
            name: f"only {name} {_format_ends(versions)} fits this machine"
            for name, versions in self.ranges.items()
        }
        for rule in self.rules:
            name = Requirement(rule.requirement).name
            found[name] = f"{rule.requirement} is required because {rule.statement}"
        return found


def _format_ends(versions: str) -> str:
    """Return the ends of a range: `1.0 to 2.0` for `>=1.0,<=2.0,!=1.5`."""
    ends = [text.lstrip("<>=") for text in versions.split(",") if not text.startswith("!")]
    return " to ".join(dict.fromkeys(ends))
