"""Time conflicts in a batch, as a ratio of rigs that resolve: CPU of one process.

    python benchmarks/conflicts.py [ROUNDS]

The rigs are combinations that do not exist, and next to each one that does. Both are checked in
turn, after a first round that reads the matrix, so that load slows both alike.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rigspec.check import check_machine  # noqa: E402
from rigspec.matrix.model import Matrix  # noqa: E402
from rigspec.resolve.problem.builder import load_required_matrix  # noqa: E402
from rigspec.spec.loader import LoadedSpec, parse_spec  # noqa: E402
from tests.resolve.test_conflicts import CASES  # noqa: E402

HEAD = 'rig = 1\nname = "box"\n'


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    pairs = [(_read(refused), _read(admitted)) for refused, _, admitted in CASES.values()]
    times: tuple[list[float], list[float]] = ([], [])
    gc.disable()
    for count in range(rounds + 1):
        for pair in pairs:
            for rig, durations in zip(pair, times, strict=True):
                start = time.process_time()
                check_machine(*rig)
                if count:
                    durations.append(time.process_time() - start)
    conflict, plain = map(statistics.median, times)
    print(f"a rig that resolves {plain * 1000:>7.1f} ms")
    print(f"a conflict          {conflict * 1000:>7.1f} ms {conflict / plain:>7.2f}")
    print(f"the worst conflict  {max(times[0]) * 1000:>7.1f} ms {max(times[0]) / plain:>7.2f}")


def _read(text: str) -> tuple[LoadedSpec, str | None, Matrix]:
    spec = parse_spec("rig.toml", HEAD + text)
    machine = next(iter(spec.rig.machine), None)
    return spec, machine, load_required_matrix(spec.rig, machine)


if __name__ == "__main__":
    main()
