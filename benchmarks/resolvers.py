"""Compare the packages that `rigspec lock` pins with those of `uv pip compile`.

Each of the most used packages of the field, alone and in combinations, is locked for Python 3.12
on Ubuntu 24.04 with an RTX 4090, and compiled by uv for the same target right before. Prints for
each whether the versions are the same, the packages that differ, the ratios of elapsed time and of
CPU time (user and system, with child processes), and what rigspec needs besides uv: its runs of uv,
and the seconds between them. uv has read the metadata of all packages before; rigspec locks each
set twice, and `first` is the ratio of CPU time without its cache of releases. A set that differs is
compiled by uv again, with the packages that `rigspec check` prints for the machine, such as
`jax[cuda13]`, and with those that the warnings of the lock name at their locked versions:
`explained` means that all versions are then the same.

    python benchmarks/resolvers.py [NAME[+NAME...] ...]
"""

from __future__ import annotations

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from uv import find_uv_bin

from rigspec.check import check_machine
from rigspec.lock.errors import LockError
from rigspec.lock.python.engine_cache import ResolutionCache
from rigspec.lock.python.engines import uv as engine
from rigspec.lock.python.environment import LockSettings, PreviousPins
from rigspec.lock.python.index.release_cache import ReleaseCache
from rigspec.lock.python.python_choice import lock_environment
from rigspec.lock.python.requirements_file import read_pins
from rigspec.matrix.loader import load_matrix
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec

_PACKAGES = """
torch torchvision torchaudio lightning pytorch-lightning torchmetrics timm transformers datasets
accelerate diffusers peft trl tokenizers safetensors huggingface-hub sentence-transformers
evaluate bitsandbytes optimum vllm sglang xgrammar deepspeed triton xformers
mlflow wandb tensorboard ray dask optuna hydra-core omegaconf clearml dvc
jax flax optax orbax-checkpoint equinox tensorflow keras tensorflow-datasets tensorflow-hub
scikit-learn xgboost lightgbm catboost pandas polars numpy scipy matplotlib
opentelemetry-sdk opentelemetry-exporter-otlp azure-ai-ml azure-identity azure-storage-blob
google-cloud-aiplatform google-cloud-storage boto3 openai langchain jupyterlab gradio
"""
PACKAGES = tuple(_PACKAGES.split())
COMBINATIONS = (
    ("torch", "vllm"),
    ("torch", "torchvision", "torchaudio"),
    ("torch", "transformers", "datasets", "accelerate"),
    ("transformers", "peft", "trl", "bitsandbytes"),
    ("diffusers", "transformers", "accelerate", "safetensors"),
    ("tensorflow", "keras", "tensorflow-datasets"),
    ("jax", "flax", "optax", "orbax-checkpoint"),
    ("mlflow", "scikit-learn", "pandas", "xgboost"),
    ("lightning", "wandb", "hydra-core", "torchmetrics"),
    ("jupyterlab", "matplotlib", "pandas", "scikit-learn", "torch"),
)
RIG = """
rig = 1
name = "benchmark"
[machine.box]
os = "ubuntu 24.04"
gpus = [{{ model = "RTX 4090" }}]
[env.lab]
python = "3.12"
interpreter = "system"
packages = {{ {packages} }}
[system]
packages = ["build-essential", "python3-dev"]
"""
# Locked apart from the packages, to fit them.
TOOLS = frozenset({"pip", "setuptools", "wheel", "packaging"})


# A warm-up waits for the index most of the time.
AT_ONCE = 4


@dataclass(frozen=True)
class Result:
    """The versions that a program chose, its seconds, and those of its runs of uv."""

    versions: Mapping[str, str]
    seconds: float
    cpu_seconds: float
    runs: Sequence[float] = ()
    remarks: Sequence[str] = ()
    required: Sequence[str] = ()


class Stopwatch:
    """The elapsed time and the CPU time since its creation."""

    def __init__(self) -> None:
        self._start = (time.monotonic(), self._read_cpu())

    def read(self) -> tuple[float, float]:
        """Return the elapsed seconds and those of CPU time, with finished child processes."""
        return time.monotonic() - self._start[0], self._read_cpu() - self._start[1]

    @staticmethod
    def _read_cpu() -> float:
        usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def compile_with_uv(packages: Iterable[str]) -> Result:
    """Return the choice of uv."""
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--generate-hashes", "--no-config"]
    command += ["--no-header", "--no-annotate", "--python-version", "3.12"]
    command += ["--no-python-downloads", "--python-platform", "x86_64-manylinux_2_39", "-"]
    watch = Stopwatch()
    done = subprocess.run(
        command, input="\n".join(packages), capture_output=True, text=True, check=False
    )
    seconds, cpu = watch.read()
    versions = {pin.name: str(pin.version) for pin in read_pins(done.stdout)}
    return Result(versions, seconds, cpu, (seconds,), (done.stderr,) if done.returncode else ())


def lock_with_rigspec(packages: Iterable[str], releases: ReleaseCache) -> Result:
    """Return the choice of rigspec, with its error or its warnings."""
    listed = ", ".join(f'{name} = "*"' for name in packages)
    spec = parse_spec("rig.toml", RIG.format(packages=listed))
    matrix = load_matrix()
    watch = Stopwatch()
    report = check_machine(spec, "box", load_required_matrix(spec.rig, "box"))
    if report.resolution is None:
        return Result({}, *watch.read(), (), [d.message for d in report.diagnostics])
    settings = LockSettings(answers=ResolutionCache(fresh=True), releases=releases)
    env = report.resolution.envs[0]
    with timed_runs() as runs:
        try:
            locked = lock_environment(
                spec.rig, report.resolution, env, matrix, PreviousPins(), settings
            )
        except LockError as error:
            diagnostic = error.locate(spec.document)
            remarks = (diagnostic.message, *diagnostic.help)
            return Result({}, *watch.read(), runs, remarks)
    seconds, cpu = watch.read()
    pinned = (*locked.env.tools, *locked.env.packages)
    versions = {package.name: package.version for package in pinned}
    pins = locked.resolution.distributions
    required = (*(pin.name for pin in pins), *locked.resolution.companions)
    return Result(versions, seconds, cpu, runs, [w.message for w in locked.warnings], required)


@contextmanager
def empty_cache() -> Iterator[ReleaseCache]:
    """Create a cache of releases; that of uv stays as it is."""
    home = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory(prefix="rigspec-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            cache = ReleaseCache()
        finally:
            del os.environ["XDG_CACHE_HOME"]
            if home is not None:
                os.environ["XDG_CACHE_HOME"] = home
        yield cache


@contextmanager
def timed_runs() -> Iterator[list[float]]:
    """Record the seconds of each run of uv by rigspec."""
    seconds: list[float] = []
    run = vars(engine)["run_engine"]

    def timed(*arguments: Any) -> Any:
        start = time.monotonic()
        try:
            return run(*arguments)
        finally:
            seconds.append(time.monotonic() - start)

    setattr(engine, "run_engine", timed)  # noqa: B010
    try:
        yield seconds
    finally:
        setattr(engine, "run_engine", run)  # noqa: B010


def list_differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return the packages at other versions, without the tools that uv has no reason to pin."""
    return [
        f"{name} {expected.get(name, '-')} -> {found.get(name, '-')}"
        for name in sorted({*expected, *found})
        if expected.get(name) != found.get(name) and not (name in TOOLS and name not in expected)
    ]


def explain(packages: tuple[str, ...], locked: Result) -> bool:
    """Return whether uv chooses the same with what rigspec prints."""
    named = {word for remark in locked.remarks for word in re.findall(r"[a-z0-9-]+", remark)}
    pins = [f"{name}=={version}" for name, version in locked.versions.items() if name in named]
    again = compile_with_uv((*packages, *locked.required, *pins))
    return bool(again.versions) and not list_differences(again.versions, locked.versions)


def compare(packages: tuple[str, ...]) -> tuple[str, tuple[float, float, float] | None]:
    """Print the comparison of one set of packages.

    Returns the outcome, and the ratios of elapsed time, CPU time and CPU time of the first lock if
    both have a result.
    """
    with empty_cache() as cache:
        first = lock_with_rigspec(packages, cache)
        expected = compile_with_uv(packages)
        locked = lock_with_rigspec(packages, cache)
    differences = list_differences(expected.versions, locked.versions)
    if not expected.versions:
        outcome = "no result by uv"
    elif not locked.versions:
        outcome = "no lock"
    elif not differences:
        outcome = "same"
    else:
        outcome = "explained" if explain(packages, locked) else "different"
    ratio = locked.seconds / expected.seconds
    cpu_ratio = locked.cpu_seconds / expected.cpu_seconds
    first_ratio = first.cpu_seconds / expected.cpu_seconds
    besides = locked.seconds - sum(locked.runs)
    print(
        f"{outcome:10} {ratio:5.2f}x {expected.seconds:6.2f} s {locked.seconds:6.2f} s  "
        f"CPU {cpu_ratio:5.2f}x {expected.cpu_seconds:6.2f} s {locked.cpu_seconds:6.2f} s  "
        f"first {first_ratio:5.2f}x  "
        f"{len(locked.runs)} runs + {besides:5.2f} s  {' + '.join(packages)}"
    )
    if differences and locked.required:
        print(f"{'':12}requires {', '.join(locked.required)}")
    for line in (*differences[:12], *(remark[:300] for remark in locked.remarks)):
        print(f"{'':12}{line}")
    sys.stdout.flush()
    return outcome, (
        ratio,
        cpu_ratio,
        first_ratio,
    ) if locked.versions and expected.versions else None


def main() -> None:
    """Compare every package and combination, or those that the arguments name."""
    named = [tuple(name.split("+")) for name in sys.argv[1:]]
    sets = named or [*((name,) for name in PACKAGES), *COMBINATIONS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(compile_with_uv, sets))  # fills uv's cache
    results = [compare(packages) for packages in sets]
    outcomes = [outcome for outcome, _ in results]
    counts = ", ".join(f"{outcomes.count(each)} {each}" for each in sorted(set(outcomes)))
    print(counts)
    both = [ratios for _, ratios in results if ratios is not None]
    names = ("time", "CPU time", "CPU time of the first lock")
    for name, ratios in zip(names, zip(*both, strict=True), strict=False):
        print(f"{name}: median {statistics.median(ratios):.2f}x, worst {max(ratios):.2f}x")


if __name__ == "__main__":
    main()
