"""Measurements inside of one process, for benchmarks/table.py: CPU milliseconds, as JSON.

python benchmarks/in_process.py conflicts|matrix|environments
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from pathlib import Path

from rigs import enlarge, write_environments

from rigspec.check import check_machine
from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec, parse_spec

SIZES = (1, 10, 100)
# Rigs that resolve, on each size of the matrix.
SAMPLE = 40
MACHINE = "box"


def main() -> None:
    gc.disable()  # as the command line does
    measure = {"conflicts": conflicts, "matrix": matrix, "environments": environments}
    print(json.dumps(measure[sys.argv[1]]()))


def conflicts() -> dict[str, float]:
    """Return the times of rigs of a batch, with and without a conflict."""
    times: dict[bool, list[float]] = {True: [], False: []}
    for text, resolves in _read_rigs():
        spec = parse_spec("rig.toml", text)
        tables = load_required_matrix(spec.rig, MACHINE)
        times[resolves].append(_time(spec, tables))
    return {
        "plain": statistics.fmean(times[True]),
        "conflict": statistics.fmean(times[False]),
        "median": statistics.median(times[False]),
        "worst": max(times[False]),
    }


def matrix() -> dict[str, float]:
    """Return the mean time of a rig by the size of the matrix."""
    texts = [text for text, resolves in _read_rigs() if resolves]
    specs = [parse_spec("rig.toml", text) for text in texts[:SAMPLE]]
    found = {}
    for size in (size for size in SIZES if size <= int(sys.argv[3])):
        enlarged: dict[tuple[str, ...], Matrix] = {}
        times = []
        for spec in specs:
            plain = load_required_matrix(spec.rig, MACHINE)
            names = tuple(product.name for product in plain.products)
            if names not in enlarged:
                enlarged[names] = enlarge(plain, size)
            # The first check of a matrix builds its index.
            check_machine(spec, MACHINE, enlarged[names])
            times.append(_time(spec, enlarged[names]))
        found[str(size)] = statistics.fmean(times)
    return found


def environments() -> dict[str, float]:
    """Return the time of a rig by the number of its environments."""
    found = {}
    for count in SIZES:
        spec = parse_spec("rig.toml", write_environments(count))
        tables = load_required_matrix(spec.rig, MACHINE)
        check_machine(spec, MACHINE, tables)
        found[str(count)] = statistics.median(_time(spec, tables) for _ in range(3))
    return found


def _read_rigs() -> list[tuple[str, bool]]:
    rigs: list[tuple[str, bool]] = json.loads(Path(sys.argv[2]).read_text())
    return rigs


def _time(spec: LoadedSpec, tables: Matrix) -> float:
    start = time.process_time()
    check_machine(spec, MACHINE, tables)
    return (time.process_time() - start) * 1000


if __name__ == "__main__":
    main()
