"""Compare a warm `rigspec lock` of the five rigs with a cold one.

    python benchmarks/relock.py [ROUNDS]

Cold starts without a lock and with empty caches of rigspec and uv. Warm is the same command again.
"No lock" has caches but no earlier lock. `--upgrade` ignores the lock and the responses that
rigspec caches for ten minutes; only uv's cache helps it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RIGSPEC = str(Path(sys.executable).with_name("rigspec"))
RIGS = ("submarine", "dl-server", "argentina", "deep-al", "sourced")
# A warm lock may take at most a fifth of a cold one.
MIN_SPEEDUP = 5


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    runs = ("cold", "warm", "no lock", "--upgrade")
    times: dict[str, dict[str, list[float]]] = {run: {rig: [] for rig in RIGS} for run in runs}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="rigspec-relock-") as folder:
            for run in runs:
                for rig in RIGS:
                    times[run][rig].append(_timed(run, rig, Path(folder)))
    median = {run: {r: statistics.median(t) for r, t in times[run].items()} for run in runs}
    print(f"{'':<12}" + "".join(f"{run:>12}" for run in runs) + f"   ({rounds} rounds)")
    for rig in RIGS:
        print(f"{rig:<12}" + "".join(f"{median[run][rig]:>10.1f} s" for run in runs))
    total = {run: sum(median[run].values()) for run in runs}
    print(f"{'total':<12}" + "".join(f"{total[run]:>10.1f} s" for run in runs))
    print(f"{'ratio':<12}" + "".join(f"{total[run] / total['cold']:>12.3f}" for run in runs))
    if total["warm"] * MIN_SPEEDUP > total["cold"]:
        sys.exit(f"a warm lock takes more than 1/{MIN_SPEEDUP} of a cold one")


def _timed(run: str, rig: str, folder: Path) -> float:
    lock = folder / ("new" if run == "no lock" else "locks") / rig
    command = [RIGSPEC, "lock", str(ROOT / "specs" / f"{rig}.toml"), "--quiet", "-o", str(lock)]
    if run == "--upgrade":
        command.append("--upgrade")
    start = time.perf_counter()
    done = subprocess.run(command, env=_environment(folder), capture_output=True, check=False)
    duration = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(done.stderr.decode())
    return duration


def _environment(folder: Path) -> Mapping[str, str]:
    """Return this environment with all caches in the folder; PIP_NO_CACHE_DIR stays."""
    disabled = ("RIGSPEC_NO_CACHE", "UV_NO_CACHE")
    inherited = {k: v for k, v in os.environ.items() if k not in disabled}
    caches = {"XDG_CACHE_HOME": "xdg", "UV_CACHE_DIR": "uv", "PIP_CACHE_DIR": "pip"}
    return {**inherited, **{name: str(folder / path) for name, path in caches.items()}}


if __name__ == "__main__":
    main()
