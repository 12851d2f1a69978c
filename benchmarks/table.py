"""Print one table of all times, as ratios of one run; `--write` puts it into the documentation.

    pip install -e '.[benchmarks]' && python benchmarks/table.py [--write] [--rounds N]

All times are CPU times, so that the load of the machine counts less. The rounds of whole commands
are interleaved. Peers answer different questions: hpccm writes a Dockerfile without checking it,
and `uv pip compile` resolves Python packages, here from a warm cache.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from rigs import mix_rigs

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "concepts" / "performance.md"
BEGIN, END = "<!-- table of `make benchmark` -->\n", "<!-- end of the table -->\n"
BASELINE = "`hpccm --recipe`"
RIGS = 1000
SIZES = (1, 10, 100)
COUNTS = (1, 10, 100, 1000, 10_000)
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
FILES = {
    "rig.toml": RIG,
    "recipe.py": """Stage0 += baseimage(image='nvidia/cuda:12.6.3-runtime-ubuntu22.04')
Stage0 += python(python2=False)
Stage0 += pip(pip='pip3', packages=['torch==2.7.1'])
""",
    "pins.txt": "torch==2.7.1\n",
}
LOCK, LOCKED_RIG = "lock", "legacy-cpu"
ONE_TARGET = "`rigspec compile --target docker --locked`"
ALL_TARGETS = "`rigspec compile --target all --locked`"


BATCH = {
    "plain": ("one rig of a batch, which resolves", ""),
    "conflict": ("one conflict of a batch, mean", "10 ms"),
    "median": ("one conflict of a batch, median", ""),
    "worst": ("the slowest conflict", "100 ms"),
}
GROWTH = {
    "matrix": ("one rig, matrix of {} times the rows", {10: "1.5", 100: "200"}),
    "environments": ("one rig, {} environments", {}),
}
MIXED = "one call, rigs of which five of six are conflicts: {:,}"
MANY = "one call, specs that resolve: {:,}"


class Row(NamedTuple):
    """A line of the table: a task, its CPU time, its ratio, its peak memory and its goal."""

    task: str
    milliseconds: float
    ratio: str
    memory: str = ""
    goal: str = ""


class Cost(NamedTuple):
    """CPU milliseconds and peak memory in MB of a process and its children."""

    milliseconds: float
    megabytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the table of all times")
    parser.add_argument("--write", action="store_true", help="write it to the documentation")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of whole commands")
    parser.add_argument("--rigs", type=int, default=RIGS, help="random rigs, with conflicts")
    parser.add_argument("--specs", type=int, default=COUNTS[-1], help="most specs in one call")
    parser.add_argument("--matrix", type=int, default=SIZES[-1], help="largest size of the matrix")
    arguments = parser.parse_args()
    rigs = mix_rigs(arguments.rigs)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rigs.json")
        file.write_text(json.dumps(rigs))
        batches = [*_list_batches(file), _time_mixed_specs(rigs)]
        texts = [text for text, resolves in rigs if resolves]
        batches += _list_growth(file, texts, arguments.specs, arguments.matrix)
    text = render_table([*_list_commands(arguments.rounds), *batches])
    print(text)
    if arguments.write:
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


def list_tasks() -> list[str]:
    """Return the tasks of all rows, without measuring them."""
    batch = (task for task, _ in BATCH.values())
    growth = (task.format(size) for task, _ in GROWTH.values() for size in SIZES)
    many = (MANY.format(count) for count in COUNTS)
    return [*_build_commands(Path()), *batch, MIXED.format(RIGS), *growth, *many]


def render_table(rows: Sequence[Row]) -> str:
    """Return the table in Markdown, below a line about the run."""
    day = datetime.now(timezone.utc).date().isoformat()
    lines = [
        f"One run on {day}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load average {os.getloadavg()[0]:.0f}:",
        "",
        "| task | CPU time | ratio | peak memory | goal |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        time = f"{row.milliseconds:,.{1 if row.milliseconds < 100 else 0}f} ms"
        lines.append(f"| {row.task} | {time} | {row.ratio} | {row.memory} | {row.goal} |")
    return "\n".join(lines) + "\n"


def _list_commands(rounds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            Path(folder, name).write_text(text)
        # In another process: a new one starts with the peak memory of this one.
        script = Path(__file__).with_name("current_lock.py")
        source = ROOT / "lockfiles" / LOCKED_RIG
        subprocess.run([sys.executable, script, source, Path(folder, LOCK)], check=True)
        commands = _build_commands(Path(folder))
        costs: dict[str, list[Cost]] = {task: [] for task in commands}
        for count in range(rounds + 1):
            for task, (command, _) in commands.items():
                cost = _run(command)
                if count:  # the first round fills caches
                    costs[task].append(cost)
    medians = {
        task: statistics.median(cost.milliseconds for cost in found)
        for task, found in costs.items()
    }
    for task, (_, goal) in commands.items():
        ratio = f"{medians[task] / medians[BASELINE]:.2f} of hpccm"
        if task == ALL_TARGETS:
            ratio = f"{medians[task] / medians[ONE_TARGET]:.2f} of one target"
        memory = statistics.median(cost.megabytes for cost in costs[task])
        yield Row(task, medians[task], ratio, _describe_memory(memory), goal)


def _build_commands(folder: Path) -> dict[str, tuple[list[str], str]]:
    """Return the command and the goal of each task, with the files of a folder."""
    rig, recipe, pins = (str(folder / name) for name in FILES)
    python, rigspec = sys.executable, _find("rigspec")
    target = ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_35"]
    locked = [rigspec, "compile", "--locked", "-o", str(folder / "out")]
    locked += ["--lock", str(folder / LOCK), str(ROOT / "specs" / f"{LOCKED_RIG}.toml")]
    return {
        "`python -c pass`, the floor": ([python, "-c", "pass"], ""),
        "`import pydantic, typer, jinja2`": ([python, "-c", "import pydantic, typer, jinja2"], ""),
        BASELINE: ([_find("hpccm"), "--recipe", recipe], ""),
        "`uv pip compile`, warm": ([_find("uv"), "pip", "compile", "-q", *target, pins], ""),
        "`rigspec --version`": ([rigspec, "--version"], "1.0"),
        "`rigspec --help`": ([rigspec, "--help"], "1.0"),
        "`rigspec check`, first": ([rigspec, "check", "--no-cache", rig], "2.0, 45 MB"),
        "`rigspec check`, unchanged spec": ([rigspec, "check", rig], "1.0"),
        ONE_TARGET: ([*locked, "--target", "docker"], "3.0"),
        ALL_TARGETS: ([*locked, "--target", "all"], "2.0"),
    }


def _list_batches(rigs: Path) -> Iterator[Row]:
    found = _measure("conflicts", rigs)
    for kind, (task, goal) in BATCH.items():
        ratio = f"{found[kind] / found['plain']:.2f} of one that resolves"
        yield Row(task, found[kind], ratio, "", goal)


def _list_growth(file: Path, texts: list[str], most: int, largest: int) -> Iterator[Row]:
    for kind, (task, goals) in GROWTH.items():
        found = _measure(kind, file, largest)
        for size in map(int, found):
            ratio = f"{found[str(size)] / found['1']:.2f} of the first"
            yield Row(task.format(size), found[str(size)], ratio, "", goals.get(size, ""))
    yield from _list_many_specs(texts, [count for count in COUNTS if count <= most])


def _time_mixed_specs(rigs: list[tuple[str, bool]]) -> Row:
    cost = _check_specs([text for text, _ in rigs])
    ratio = f"{cost.milliseconds / len(rigs):.1f} ms each"
    goal = "12,000 ms" if len(rigs) == RIGS else ""
    return Row(
        MIXED.format(len(rigs)), cost.milliseconds, ratio, _describe_memory(cost.megabytes), goal
    )


def _list_many_specs(texts: list[str], counts: list[int]) -> Iterator[Row]:
    """Yield a row for each number of specs that resolve in one call."""
    first = 0.0
    for count in counts:
        cost = _check_specs([texts[number % len(texts)] for number in range(count)])
        first = first or cost.milliseconds
        ratio = f"{cost.milliseconds / first:.1f} of the first"
        yield Row(MANY.format(count), cost.milliseconds, ratio, _describe_memory(cost.megabytes))


def _check_specs(texts: Sequence[str]) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(texts):
            Path(folder, f"{number}.toml").write_text(text)
        return _run([_find("rigspec"), "check", "--no-cache", "--jobs", "1", "-q", folder])


def _describe_memory(megabytes: float) -> str:
    # A new process starts with the peak of the process that started it.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return f"{megabytes:.0f} MB" if megabytes > own else f"at most {own:.0f} MB"


def _find(tool: str) -> str:
    """Return the path of a tool of this environment, else of PATH."""
    own = Path(sys.executable).with_name(tool)
    found = str(own) if own.exists() else shutil.which(tool)
    if found is None:
        raise SystemExit(f"{tool} is not installed; run `pip install -e '.[benchmarks]'`")
    return found


def _measure(kind: str, rigs: Path, largest: int = 1) -> dict[str, float]:
    command = [
        sys.executable,
        str(Path(__file__).with_name("in_process.py")),
        kind,
        str(rigs),
        str(largest),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _run(command: Sequence[str]) -> Cost:
    # Installed programs run from bytecode, which the first, uncounted round writes.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, **streams)
    _, status, usage = os.wait4(process.pid, 0)
    # A conflict is an exit status of 1.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return Cost((usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1000)


if __name__ == "__main__":
    main()
