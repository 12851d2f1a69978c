"""Time the matrix by its size: loading it, and checking a thousand rigs with it.

    python benchmarks/matrix.py [SPECS]

The larger matrix is synthetic: each table gets nine copies of its releases and rules. Checks of one
matrix run in one process; each load runs in a new one.
"""

from __future__ import annotations

import functools
import gc
import itertools
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import tomli
import tomlkit

from rigspec.check import check_machine
from rigspec.matrix.loader import build_matrix, list_product_names, load_matrix
from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.builder import list_required_products, load_required_matrix
from rigspec.spec.loader import LoadedSpec, parse_spec

TIMES = 10

# Load the products of a rig in a new interpreter, after all imports.
LOAD = """
import time
from rigspec.cache import matrix_tables
from rigspec.matrix.loader import load_matrix
import datetime, json, pickle, rigspec.matrix.model, importlib.resources
start = time.perf_counter()
load_matrix({products!r})
print(time.perf_counter() - start)
"""
KINDS = {
    "tensorflow on a GPU": ["tensorflow", "keras"],
    "torch on a GPU": ["torch"],
    "jax, torch and cupy on a GPU, conda": ["cupy", "installer", "jax", "torch"],
}
BASE_PRODUCTS = ["cuda", "cudnn", "driver", "gpu", "nvidia-repository", "os", "pip", "python"]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("loading the products of one rig, medians of new processes")
    for kind, products in KINDS.items():
        print(f"  {kind:<40} {_loading([*products, *BASE_PRODUCTS]) * 1000:6.1f} ms")
    gc.disable()  # as the command line does
    specs = list(itertools.islice(_rigs(), count))
    print(
        f"\nchecking {len(specs)} different rigs in one process, after the first of each framework"
    )
    plain = _checking(specs, lambda *products: load_matrix(products))
    larger = _checking(specs, _larger())
    for name, times in (("the matrix", plain), (f"{TIMES} times the matrix", larger)):
        summary = f"median {statistics.median(times) * 1000:5.2f} ms, mean {_mean(times):5.2f} ms"
        print(f"  {name:<22} {summary}, 99 of 100 below {_percentile(times):5.2f} ms")
    print(f"  ratio of the means     {_mean(larger) / _mean(plain):5.2f}")


def _mean(times: list[float]) -> float:
    return statistics.fmean(times) * 1000


def _percentile(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)] * 1000


def _loading(products: list[str]) -> float:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    durations = []
    for _ in range(12):
        code = LOAD.format(products=products)
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        durations.append(float(done.stdout))
    return statistics.median(durations[1:])  # the first one fills the cache of parsed tables


def _checking(specs: list[LoadedSpec], load: Callable[..., Matrix]) -> list[float]:
    known = set(list_product_names())
    times = []
    warm: set[tuple[str, ...]] = set()
    for spec in specs:
        needed = [name for name in list_required_products(spec.rig, "box") if name in known]
        matrix = load(*needed)
        start = time.perf_counter()
        report = check_machine(spec, "box", matrix)
        duration = time.perf_counter() - start
        if tuple(needed) in warm:
            times.append(duration)
        warm.add(tuple(needed))
        if report.resolution is None:
            raise SystemExit(f"this rig does not resolve:\n{spec.document.text}")
    return times


def _rigs() -> Iterator[LoadedSpec]:
    """Yield rigs that resolve, all different."""
    number = 0
    for machine, env in itertools.product(_machines(), _environments()):
        for name, pip in itertools.product(("lab", "work", "night"), ("", 'pip = ">=20.3"')):
            text = f'rig = 1\nname = "rig-{number}"\n{machine}\n[env.{name}]\n{env}\n{pip}\n'
            spec = parse_spec(f"rig-{number}.toml", text)
            if check_machine(
                spec, "box", load_required_matrix(spec.rig, "box"), repairs=False
            ).resolution:
                number += 1
                yield spec


def _machines() -> Iterator[str]:
    cards = ("GTX 1080 Ti", "RTX 2080 Ti", "Tesla V100 PCIe", "RTX 3090", "A100", "Tesla K80")
    for system, card in itertools.product(("18.04", "20.04", "22.04", "24.04"), cards):
        for driver in ("", 'driver = ">=450"'):
            gpus = f'gpus = [{{ model = "{card}" }}]'
            yield f'[machine.box]\nos = "ubuntu {system}"\n{gpus}\n{driver}'


def _environments() -> Iterator[str]:
    requested = [("tensorflow", f"2.{minor}") for minor in range(3, 21)]
    requested += [("tensorflow", f"1.{minor}") for minor in range(8, 16)]
    requested += [("torch", f"1.{minor}") for minor in range(2, 14)]
    requested += [("torch", f"2.{minor}") for minor in range(0, 16)]
    requested += [("jax", "0.4.35"), ("cupy", "*"), ("torch", "*"), ("tensorflow", "*")]
    for framework, version in requested:
        yield f'interpreter = "pyenv"\nframeworks = {{ {framework} = "{version}" }}'


def _larger() -> Callable[..., Matrix]:
    tables = {name: _tenfold(data) for name, data in load_matrix().tables}
    whole = build_matrix(tables)
    return functools.cache(lambda *products: whole.part(products))


def _tenfold(data: bytes) -> bytes:
    """Return the table with nine copies of its releases, numbered below all others, and rules."""
    table = tomli.loads(data.decode())
    past_releases, past_rules = [], []
    for past in range(1, TIMES):
        for release in table.get("release", ()):
            past_releases.append({**release, "version": f"0.0.{past}.{release['version']}"})
        for rule in table.get("rule", ()):
            own = rule["when"].get(table["product"])
            if own is not None:
                when = {**rule["when"], table["product"]: _earlier(own, past)}
                past_rules.append({**rule, "id": f"{rule['id']}/past-{past}", "when": when})
    table["release"] = [*table.get("release", ()), *past_releases]
    table["rule"] = [*table.get("rule", ()), *past_rules]
    return tomlkit.dumps(table).encode()


def _earlier(alternatives: str | list[str], past: int) -> list[str]:
    texts = [alternatives] if isinstance(alternatives, str) else alternatives
    moved = [re.sub(r"(?<![\w.-])(\d+(?:\.\w+)*)", rf"0.0.{past}.\1", text) for text in texts]
    within = f",>=0.0.{past},<0.0.{past + 1}"
    return [text + within if re.search(r"[<>]=?0", text) else text for text in moved]


if __name__ == "__main__":
    main()
