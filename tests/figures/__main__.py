"""Measure, and write the page: `python -m tests.figures NAME... --scale 0.01`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import tests.conftest  # noqa: F401  # no server is asked
from tests.figures.canaries import plant_canaries
from tests.figures.files import LOCKED_BYTES, change_lock_bytes, kill_commands, kill_installer
from tests.figures.measurement import Measurement, Result
from tests.figures.page import read_rows, write_page
from tests.figures.readers import check_rigs, read_inputs, repair_rigs
from tests.figures.secrets import PAIRS, plant_secrets

__all__ = ["MEASUREMENTS", "main"]

_PAGE = Path(__file__).resolve().parents[2] / "docs/reference/figures.md"
MEASUREMENTS = {
    "inputs": Measurement("drawn and mutated inputs to the parsers", 1_000_000, read_inputs, 50),
    "checks": Measurement("checks of drawn rigs", 100_000, check_rigs, 50),
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


def main(arguments: list[str], measurements: dict[str, Measurement] = MEASUREMENTS) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.figures")
    parser.add_argument("name", nargs="*", choices=[*measurements, []], metavar="NAME")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page", type=Path, default=_PAGE)
    options = parser.parse_args(arguments)
    found = 0
    for name in options.name or measurements:
        measurement, result = measurements[name], Result(0)
        command = f"make figures FIGURES={name} SCALE={options.scale:g}"
        for result in measurement.measure(options.scale, options.seed):
            # Another run may have written its row.
            rows = read_rows(options.page)
            counted = (result.done, measurement.full, len(result.findings))
            rows[measurement.title] = (*counted, command)
            write_page(options.page, rows)
        print(f"{name}: {result.done} attempts, {len(result.findings)} findings", flush=True)
        for finding in result.findings:
            print(f"  {finding}", flush=True)
        found += len(result.findings)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
