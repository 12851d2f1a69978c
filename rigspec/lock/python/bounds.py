"""Constraints that the machine and the matrix add to those of the spec."""

from __future__ import annotations

from dataclasses import dataclass, field

from packaging.requirements import Requirement

from rigspec.lock.python.framework_rules import PackageRule

__all__ = ["Bounds"]


@dataclass
class Bounds:
    """Constraints besides those of the spec. ``tried`` are releases that ``rules`` depend on."""

    ranges: dict[str, str] = field(default_factory=dict)
    excluded: set[tuple[str, str]] = field(default_factory=set)
    rules: list[PackageRule] = field(default_factory=list)
    tried: dict[str, str] = field(default_factory=dict)

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
