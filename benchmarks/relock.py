"""How much less a warm `rigspec lock` of the five rigs takes than a cold one.

    python benchmarks/relock.py [ROUNDS]

Cold begins with empty caches, rigspec's and uv's, and no lock. Warm is the same command again, a
moment later. "No lock" has the caches and no earlier lock; `--upgrade` has no use for either a lock
or the answers that rigspec keeps for ten minutes, only for what uv keeps.
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
# A fifth of a cold one, and no more, is what a warm relock may take.
LEAST = 5


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
    print(f"{'together':<12}" + "".join(f"{total[run]:>10.1f} s" for run in runs))
    print(f"{'of cold':<12}" + "".join(f"{total[run] / total['cold']:>12.3f}" for run in runs))
    if total["warm"] * LEAST > total["cold"]:
        sys.exit(f"a warm relock takes more than 1/{LEAST} of a cold one")


def _timed(run: str, rig: str, folder: Path) -> float:
    lock = folder / ("anew" if run == "no lock" else "locks") / rig
    command = [RIGSPEC, "lock", str(ROOT / "specs" / f"{rig}.toml"), "--quiet", "-o", str(lock)]
    if run == "--upgrade":
        command.append("--upgrade")
    begun = time.perf_counter()
    done = subprocess.run(command, env=_environment(folder), capture_output=True, check=False)
    taken = time.perf_counter() - begun
    if done.returncode != 0:
        sys.exit(done.stderr.decode())
    return taken


def _environment(folder: Path) -> Mapping[str, str]:
    """The person's own, with every cache in the folder; PIP_NO_CACHE_DIR and the like stay."""
    kept = {k: v for k, v in os.environ.items() if k not in ("RIGSPEC_NO_CACHE", "UV_NO_CACHE")}
    caches = {"XDG_CACHE_HOME": "xdg", "UV_CACHE_DIR": "uv", "PIP_CACHE_DIR": "pip"}
    return {**kept, **{name: str(folder / path) for name, path in caches.items()}}


if __name__ == "__main__":
    main()
