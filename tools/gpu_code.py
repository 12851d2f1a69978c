"""Which GPUs a list of compiled code serves, and how well: the four strengths as rules.

The rules of CUDA, from the programming guide: code for a compute capability (``sm_70``) runs on
the same major with the same or a higher minor; PTX (``compute_70``) is compiled at first use for
that capability and any newer one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matrix_rows import rule

__all__ = ["KNOWN", "Code", "code_rules", "parse_code", "toolkit_code"]

Capability = tuple[int, int]

# Every compute capability that a card, a board or a toolkit of the fact tables has.
KNOWN: tuple[Capability, ...] = (
    *((2, 0), (2, 1), (3, 0), (3, 2), (3, 5), (3, 7), (5, 0), (5, 2), (5, 3), (6, 0), (6, 1)),
    *((6, 2), (7, 0), (7, 2), (7, 5), (8, 0), (8, 6), (8, 7), (8, 9), (9, 0), (10, 0), (10, 1)),
    *((10, 3), (11, 0), (12, 0), (12, 1)),
)


@dataclass(frozen=True)
class Code:
    """What a wheel or a toolkit carries: machine code and PTX, by compute capability."""

    native: tuple[Capability, ...]
    ptx: tuple[Capability, ...] = ()

    def runs_native(self, capability: Capability) -> bool:
        """Whether there is machine code that runs on a card of this compute capability."""
        return any(n[0] == capability[0] and n <= capability for n in self.native)


def parse_code(text: str, *, ptx_is_native: bool) -> Code:
    """``sm_60 sm_70 compute_80``; TensorFlow's builds hold machine code for what is PTX, too."""
    native = [_capability(word) for word in text.split() if word.startswith("sm_")]
    ptx = [_capability(word) for word in text.split() if word.startswith("compute_")]
    if ptx_is_native:
        native += ptx
    return Code(tuple(sorted(native)), tuple(sorted(ptx)))


def toolkit_code(text: str) -> Code:
    """``3.5 5.0``: what a toolkit's compiler can target."""
    return Code(tuple(_dotted(word) for word in text.split()))


def code_rules(
    id_: str,
    when: Mapping[str, object],
    name: str,
    code: Code,
    source: Sequence[str],
    of: str,
) -> Iterator[str]:
    """The rules of a wheel: none is an error, PTX a warning, a lower minor a note."""
    told = told_list([f"sm_{major}{minor}" for major, minor in code.native])
    has = f"{name} carries code for {told}"
    if code.ptx:
        has += f", and PTX for {told_list([f'compute_{a}{b}' for a, b in code.ptx])}"
    yield rule(
        f"{id_}/code",
        when=when,
        must={"compute_capability": ranges(code)},
        code="RS220",
        statement=f"{has}: nothing that runs on {{sm}}",
        breaks="CUDA error: no kernel image is available for execution on the device",
        source=source,
        of=of,
    )
    yield from _lesser_code(id_, when, has, code, source, of)


def _lesser_code(
    id_: str,
    when: Mapping[str, object],
    has: str,
    code: Code,
    source: Sequence[str],
    of: str,
) -> Iterator[str]:
    """What works and is not made for the card: PTX, and code for a lower minor."""
    machine_code = native_ranges(code)
    if any(not code.runs_native(k) and k >= min(code.ptx, default=(99, 0)) for k in KNOWN):
        yield rule(
            f"{id_}/ptx",
            when=when,
            must={"compute_capability": machine_code},
            code="RS222",
            statement=f"{has}: for {{sm}} the driver compiles PTX at first use, which takes "
            "minutes and is kept in ~/.nv/ComputeCache",
            severity="warning",
            source=source,
            of=of,
        )
    if any(code.runs_native(k) and k not in code.native for k in KNOWN):
        yield rule(
            f"{id_}/lower-minor",
            when={**when, "compute_capability": machine_code},
            must={"compute_capability": [f"=={dotted(n)}" for n in code.native]},
            code="RS221",
            statement=f"{has}: {{sm}} runs what is made for a lower minor of its major",
            severity="note",
            source=source,
            of=of,
        )


def ranges(code: Code) -> list[str]:
    """What any code serves, as specifiers: a stretch of each major, and all above PTX."""
    least_ptx = min(code.ptx, default=None)
    found = [] if least_ptx is None else [f">={dotted(least_ptx)}"]
    below = [n for n in code.native if least_ptx is None or n < least_ptx]
    return native_ranges(Code(tuple(below))) + found


def native_ranges(code: Code) -> list[str]:
    """What machine code serves, as specifiers; majors that join are told in one."""
    stretches: list[tuple[Capability, int]] = []
    for major in sorted({n[0] for n in code.native}):
        least = min(n for n in code.native if n[0] == major)
        previous = stretches[-1] if stretches else None
        skipped = previous is not None and any(previous[1] <= k[0] < major for k in KNOWN)
        if previous is not None and not skipped and least[1] == 0:
            stretches[-1] = (previous[0], major + 1)
        else:
            stretches.append((least, major + 1))
    return [f">={dotted(least)},<{below}" for least, below in stretches]


def dotted(capability: Capability) -> str:
    return f"{capability[0]}.{capability[1]}"


def told_list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _capability(word: str) -> Capability:
    digits = word.partition("_")[2]
    return int(digits[:-1]), int(digits[-1])


def _dotted(word: str) -> Capability:
    major, _, minor = word.partition(".")
    return int(major), int(minor)
