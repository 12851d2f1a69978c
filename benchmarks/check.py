"""Time `rigspec check` as a ratio of bare imports: medians of one interleaved run.

    python benchmarks/check.py [ROUNDS]

Each round starts every command once, in turn, so that load slows all of them alike. The baseline is
a Python that imports the libraries of any tool of this kind.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASELINE = "import pydantic, typer, jinja2"
# The minimum of any command line of this kind: two options and nothing to do.
EMPTY = """
import typer
app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
@app.command()
def one(spec: str, quiet: bool = False) -> None: ...
@app.command()
def two() -> None: ...
app(["one", "spec"])
"""
RIGSPEC = [str(Path(sys.executable).with_name("rigspec")), "check"]
SPEC = str(ROOT / "specs" / "dl-server.toml")
COMMANDS = {
    BASELINE: [sys.executable, "-c", BASELINE],
    "python -c pass": [sys.executable, "-c", "pass"],
    "an empty typer command": [sys.executable, "-c", EMPTY],
    "rigspec check (unchanged spec)": [*RIGSPEC, SPEC],
    "rigspec check --no-cache": [*RIGSPEC, "--no-cache", SPEC],
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    # Installed programs run from bytecode, which the first, uncounted round writes.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for count in range(rounds + 1):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, env=environment)
            if count:
                times[name].append(time.perf_counter() - start)
    baseline = statistics.median(times[BASELINE])
    print(f"{'command':<36} {'median':>9} {'ratio':>7}   ({rounds} rounds)")
    for name, durations in times.items():
        median = statistics.median(durations)
        print(f"{name:<36} {median * 1000:>6.0f} ms {median / baseline:>7.2f}")


if __name__ == "__main__":
    main()
