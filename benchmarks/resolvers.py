"""Compare the packages that `rigspec lock` pins with those of `uv pip compile`.

Each of the most used packages of the field, alone and in combinations, is locked for Python 3.12
on Ubuntu 24.04 with an RTX 4090, and compiled by uv for the same target right before. Prints for
each whether the versions are the same, the packages that differ, and the ratio of the times.

    python benchmarks/resolvers.py [NAME ...]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterable

from packaging.utils import canonicalize_name
from uv import find_uv_bin

from rigspec.check import check_machine
from rigspec.lock.errors import LockError
from rigspec.lock.python.engine_cache import ResolutionCache
from rigspec.lock.python.environment import LockSettings, PreviousPins, lock_environment
from rigspec.lock.python.requirements_file import read_pins
from rigspec.matrix.loader import load_matrix
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


def compile_with_uv(packages: Iterable[str]) -> tuple[dict[str, str], float]:
    """Return the versions that uv chooses, and the seconds that it takes."""
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--generate-hashes", "--no-config"]
    command += ["--python-version", "3.12", "--python-platform", "x86_64-manylinux_2_39", "-"]
    start = time.monotonic()
    done = subprocess.run(
        command, input="\n".join(packages), capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - start
    return {
        pin.name: str(pin.version) for pin in read_pins(_without_comments(done.stdout))
    }, seconds


def lock_with_rigspec(packages: Iterable[str]) -> tuple[dict[str, str], float, str]:
    """Return the versions that rigspec pins, its seconds, and its error or warning."""
    listed = ", ".join(f'{name} = "*"' for name in packages)
    spec = parse_spec("rig.toml", RIG.format(packages=listed))
    matrix = load_matrix()
    start = time.monotonic()
    report = check_machine(spec, "box", matrix)
    if report.resolution is None:
        return {}, 0.0, "; ".join(d.message for d in report.diagnostics)
    settings = LockSettings(answers=ResolutionCache(fresh=True))
    env = report.resolution.envs[0]
    try:
        locked = lock_environment(
            spec.rig, report.resolution, env, matrix, PreviousPins(), settings
        )
    except LockError as error:
        diagnostic = error.locate(spec.document)
        return {}, time.monotonic() - start, " ".join((diagnostic.message, *diagnostic.help))
    seconds = time.monotonic() - start
    versions = {
        pin.name: str(pin.version) for pin in read_pins(locked.env.tools + locked.env.requirements)
    }
    return versions, seconds, "; ".join(w.message for w in locked.warnings)


def compare(packages: tuple[str, ...]) -> float | None:
    """Print the comparison of one set of packages; return the ratio of the times."""
    compile_with_uv(packages)  # fills uv's cache for both
    expected, uv_seconds = compile_with_uv(packages)
    found, seconds, remark = lock_with_rigspec(packages)
    differences = [
        f"{name} {expected.get(name, '-')} -> {found.get(name, '-')}"
        for name in sorted({*map(canonicalize_name, expected), *found})
        if expected.get(name) != found.get(name) and not (name in TOOLS and name not in expected)
    ]
    if not expected:
        outcome = "no result by uv"
    elif not found:
        outcome = "no lock"
    else:
        outcome = "different" if differences else "same"
    ratio = seconds / uv_seconds
    print(
        f"{outcome:10} {ratio:5.2f}x {uv_seconds:6.2f} s {seconds:6.2f} s  {' + '.join(packages)}"
    )
    for line in (*differences[:8], *((remark[:300],) if remark else ())):
        print(f"{'':12}{line}")
    sys.stdout.flush()
    return ratio if found and expected else None


def _without_comments(text: str) -> str:
    lines = (line for line in text.splitlines(keepends=True) if "#" not in line[:6])
    return "".join(lines)


def main() -> None:
    """Compare every package and combination, or those that the arguments name."""
    named = sys.argv[1:]
    sets = [(name,) for name in named] or [*((name,) for name in PACKAGES), *COMBINATIONS]
    ratios = [ratio for packages in sets if (ratio := compare(packages)) is not None]
    if ratios:
        print(f"{len(ratios)} of {len(sets)} locked; median {statistics.median(ratios):.2f}x")


if __name__ == "__main__":
    main()
