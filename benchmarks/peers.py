"""Time rigspec and other tools on one stack: torch 2.7.1 on Ubuntu 22.04, for a GTX 1080 Ti.

    pip install -e '.[benchmarks]' && python benchmarks/peers.py [ROUNDS]

They answer different questions. hpccm writes a Dockerfile without checking it; `uv pip compile`
resolves Python packages, here from a warm cache; `rigspec check` resolves GPU, driver, CUDA, C
library, Python, pip and framework together. Medians of interleaved rounds, as ratios of the
baseline of benchmarks/check.py.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BASELINE = "import pydantic, typer, jinja2"
RIG = """rig = 1
name = "torch"
[machine.box]
os = "ubuntu 22.04"
gpus = [{ model = "GTX 1080 Ti" }]
[env.lab]
python = "3.11"
interpreter = "pyenv"
frameworks = { torch = "==2.7.1" }
"""
RECIPE = """Stage0 += baseimage(image='nvidia/cuda:12.6.3-runtime-ubuntu22.04')
Stage0 += python(python2=False)
Stage0 += pip(pip='pip3', packages=['torch==2.7.1'])
"""


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:
        commands = _commands(Path(folder))
        times: dict[str, list[float]] = {name: [] for name in commands}
        for count in range(rounds + 1):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True, env=environment)
                if count:  # the first round fills caches
                    times[name].append(time.perf_counter() - start)
    baseline = statistics.median(times[BASELINE])
    for name, durations in times.items():
        median = statistics.median(durations)
        print(f"{name:<36} {median * 1000:>6.0f} ms {median / baseline:>7.2f}")


def _commands(folder: Path) -> dict[str, list[str]]:
    rig, recipe, pins = folder / "rig.toml", folder / "recipe.py", folder / "pins.txt"
    rig.write_text(RIG)
    recipe.write_text(RECIPE)
    pins.write_text("torch==2.7.1\n")
    tools = Path(sys.executable).parent
    target = ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_35"]
    return {
        BASELINE: [sys.executable, "-c", BASELINE],
        "hpccm --recipe": [str(tools / "hpccm"), "--recipe", str(recipe)],
        "uv pip compile, warm": [str(tools / "uv"), "pip", "compile", "-q", *target, str(pins)],
        "rigspec check --no-cache": [str(tools / "rigspec"), "check", "--no-cache", str(rig)],
        "rigspec check, unchanged": [str(tools / "rigspec"), "check", str(rig)],
    }


if __name__ == "__main__":
    main()
