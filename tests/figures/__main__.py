"""Measure, and write the page: `python -m tests.figures NAME... --scale 0.01`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import tests.conftest  # noqa: F401  # no server is asked
from tests.figures.canaries import plant_canaries
from tests.figures.drawn_rigs import build_rigs, install_rigs
from tests.figures.files import LOCKED_BYTES, change_lock_bytes, kill_commands, kill_installer
from tests.figures.measurement import Measurement, Result
from tests.figures.page import read_rows, write_page
from tests.figures.quality import PARTS, measure_coverage, run_mutants
from tests.figures.readers import check_rigs, read_inputs, repair_rigs
from tests.figures.secrets import PAIRS, plant_secrets
from tests.figures.shell_library import measure_library

__all__ = ["MEASUREMENTS", "main"]

_PAGE = Path(__file__).resolve().parents[2] / "docs/reference/figures.md"
MEASUREMENTS = {
    "inputs": Measurement("drawn and mutated inputs to the parsers", 1_000_000, read_inputs, 50),
    "checks": Measurement("checks of drawn rigs", 100_000, check_rigs, 50),
    "drawn-rigs": Measurement(
        "drawn rigs that check admits: locked and compiled", 200, build_rigs(), 200
    ),
    "drawn-imports": Measurement(
        "drawn environments installed from their lock: frameworks imported", 20, install_rigs(), 20
    ),
    "repairs": Measurement("repairs applied: the promised resolution", 200, repair_rigs),
    "lock-bytes": Measurement(
        "changed bytes of the committed locks: refused", LOCKED_BYTES, change_lock_bytes
    ),
    "kills": Measurement("kills of `compile` and `lock`: no partial tree", 400, kill_commands),
    "installer-kills": Measurement(
        "kills of the installer: the next run completes", 200, kill_installer
    ),
    "canaries": Measurement(
        "strings with a canary in artifacts, services, drawings and reports: inert",
        100_000,
        plant_canaries,
        50,
    ),
    "secrets": Measurement(
        "planted secrets, kinds and places: in no output", len(PAIRS), plant_secrets
    ),
}

# The goals for the parts on which everything else depends.
_NOT_COVERED, _NOT_KILLED = 0.05, 0.15
for _name, _part in PARTS.items():
    _key = _name.removeprefix("the ").replace(" ", "-")
    MEASUREMENTS[f"{_key}-coverage"] = Measurement(
        f"lines and branches of {_name}: run by its tests",
        0,
        measure_coverage(_part),
        allowed=_NOT_COVERED,
    )
    MEASUREMENTS[f"{_key}-mutants"] = Measurement(
        f"mutants of {_name}: noticed by its tests",
        100,
        run_mutants(_part),
        parts=20,
        allowed=_NOT_KILLED,
    )

MEASUREMENTS["installer-coverage"] = Measurement(
    "commands of the installer's shell library: run by its tests",
    0,
    measure_library,
    allowed=_NOT_COVERED,
)


def main(arguments: list[str], measurements: dict[str, Measurement] = MEASUREMENTS) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.figures")
    parser.add_argument("name", nargs="*", choices=[*measurements, []], metavar="NAME")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page", type=Path, default=_PAGE)
    options = parser.parse_args(arguments)
    found = 0
    for name in options.name or measurements:
        measurement, result, shown = measurements[name], Result(0), 0
        command = f"make figures FIGURES={name} SCALE={options.scale:g}"
        command += f" SEED={options.seed}" if options.seed != 1 else ""
        for result in measurement.measure(options.scale, options.seed):
            # Another run may have written its row.
            rows = read_rows(options.page)
            full = measurement.full or result.done
            counted = (result.done, full, len(result.findings))
            rows[measurement.title] = (*counted, command)
            write_page(options.page, rows)
            for finding in result.findings[shown:]:
                print(f"  {finding}", flush=True)
            shown = len(result.findings)
        print(f"{name}: {result.done} attempts, {len(result.findings)} findings", flush=True)
        passes = len(result.findings) <= measurement.allowed * result.done
        found += not passes
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
