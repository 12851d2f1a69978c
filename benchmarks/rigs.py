"""Rigs of benchmarks: random ones, of which five of six are conflicts, and larger matrices."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace

from rigspec.check import check_machine
from rigspec.matrix.model import Condition, Matrix, Product, Rule
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, parse_spec

__all__ = ["enlarge", "mix_rigs", "write_environments"]

_SYSTEMS = ("ubuntu 16.04", "ubuntu 18.04", "ubuntu 20.04", "ubuntu 22.04", "ubuntu 24.04")
_GPUS = ("GTX 1080 Ti", "RTX 2080 Ti", "Tesla V100 PCIe", "RTX 3090", "A100", "Tesla K80")
_FRAMEWORKS = (
    *(f'tensorflow = "2.{minor}"' for minor in range(3, 21)),
    *(f'tensorflow = "1.{minor}"' for minor in range(8, 16)),
    *(f'torch = "1.{minor}"' for minor in range(2, 14)),
    *(f'torch = "2.{minor}"' for minor in range(10)),
    'jax = "0.4.35"',
    'cupy = "*"',
)
_PYTHONS = ("", *(f'python = "3.{minor}"' for minor in range(6, 14)))
_TOOLKITS = ("", "", "8.0", "9.0", "10.1", "11.8", "12.4")
_DRIVERS = ("", "", "384", "418", "450", "525", "550")
# One rig of six resolves.
_CONFLICTS = 5


def mix_rigs(count: int) -> list[tuple[str, bool]]:
    """Return the texts of rigs in a random order that is always the same, and which resolve."""
    generator = random.Random(1)
    plain = count // (_CONFLICTS + 1)
    wanted = {True: plain, False: count - plain}
    found = []
    while any(wanted.values()):
        text = _draw(generator, len(found))
        resolves = _resolves(text)
        if resolves is not None and wanted[resolves]:
            wanted[resolves] -= 1
            found.append((text, resolves))
    generator.shuffle(found)
    return found


def write_environments(count: int) -> str:
    """Return a rig with many environments."""
    head = 'rig = 1\nname = "many"\n[machine.box]\nos = "ubuntu 22.04"\ngpus = ["RTX 3090"]\n'
    envs = (
        f'[env.e{number}]\ninterpreter = "uv"\nframeworks = {{ torch = "2.{number % 8}" }}\n'
        for number in range(count)
    )
    return head + "".join(envs)


def enlarge(matrix: Matrix, times: int) -> Matrix:
    """Return the matrix with copies of all releases and rules, numbered below all others."""
    products = tuple(_enlarge(product, times) for product in matrix.products)
    return Matrix(matrix.as_of, products, matrix.tables)


def _draw(generator: random.Random, number: int) -> str:
    machine = f'os = "{generator.choice(_SYSTEMS)}"\ngpus = ["{generator.choice(_GPUS)}"]\n'
    driver, toolkit = generator.choice(_DRIVERS), generator.choice(_TOOLKITS)
    machine += f'driver = "{driver}"\n' if driver else ""
    cuda = f'[cuda]\ntoolkit = "{toolkit}"\n' if toolkit else ""
    env = f"{generator.choice(_PYTHONS)}\nframeworks = {{ {generator.choice(_FRAMEWORKS)} }}\n"
    env += generator.choice(("", 'interpreter = "pyenv"\n', 'interpreter = "uv"\n'))
    return f'rig = 1\nname = "rig-{number}"\n[machine.box]\n{machine}{cuda}[env.lab]\n{env}'


def _resolves(text: str) -> bool | None:
    """Return whether the rig resolves; None if it is invalid."""
    try:
        spec = parse_spec("rig.toml", text)
    except InvalidSpec:
        return None
    matrix = load_required_matrix(spec.rig, "box")
    report = check_machine(spec, "box", matrix, repairs=False)
    return report.status == "ok" if report.status != "invalid" else None


def _enlarge(product: Product, times: int) -> Product:
    releases, rules = list(product.releases), list(product.rules)
    for past in range(1, times):
        for release in product.releases:
            version = f"0.0.{past}.{release.version}"
            # A copy in the series of a release would have its warnings, too.
            properties = tuple(each for each in release.properties if each[0] != "series")
            copy = replace(release, version=version, names=(), artifacts=(), properties=properties)
            releases.append(copy)
        rules += _move_rules(product, past)
    return replace(product, releases=tuple(releases), rules=tuple(rules))


def _move_rules(product: Product, past: int) -> Iterator[Rule]:
    for rule in product.rules:
        if any(condition.component == product.name for condition in rule.when):
            when = tuple(
                Condition(each.component, tuple(_move(text, past) for text in each.alternatives))
                if each.component == product.name
                else each
                for each in rule.when
            )
            yield replace(rule, id=f"{rule.id}/past-{past}", when=when)


def _move(text: str, past: int) -> str:
    moved = re.sub(r"(?<![\w.-])(\d+(?:\.\w+)*)", rf"0.0.{past}.\1", text)
    within = f",>=0.0.{past},<0.0.{past + 1}"
    return moved + within if re.search(r"[<>]=?0", moved) else moved
