"""Plausible rigs, drawn by a seed: machine, system, interpreter and packages of one era."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["draw_rig"]

# Released versions, as people write them.
Choice = tuple[str, ...]


@dataclass(frozen=True)
class Stack:
    """Frameworks and packages that one environment has together."""

    frameworks: tuple[tuple[str, Choice], ...]
    packages: Choice = ()
    pythons: Choice = ()


@dataclass(frozen=True)
class Era:
    """The systems, cards, toolkits and stacks that are in use together."""

    systems: Choice
    gpus: Choice
    drivers: Choice
    toolkits: Choice
    stacks: tuple[Stack, ...]


def _stack(pythons: str, packages: str = "", /, **frameworks: str) -> Stack:
    versions = tuple((name, tuple(listed.split())) for name, listed in frameworks.items())
    return Stack(versions, tuple(packages.split()), tuple(pythons.split()))


ERAS = (
    Era(
        ("ubuntu 16.04", "ubuntu 14.04", "debian 9", "centos 7"),
        ("GTX 1080 Ti", "GTX 1070", "TITAN Xp", "Tesla K80", "Tesla P100"),
        (">=375.26", ">=384", "384"),
        ("8.0", "9.0"),
        (
            _stack("2.7 3.5 3.6", "h5py scipy pillow", tensorflow="1.2 1.4 1.5 1.8", keras="2.1 *"),
            _stack("2.7 3.5 3.6", "scipy", theano="0.9 1.0", keras="1.2 2.0"),
            _stack("2.7 3.6", "pandas scikit-learn", chainer="3.5 4.0"),
            _stack("3.5 3.6", "numpy", mxnet="1.1 1.2"),
        ),
    ),
    Era(
        ("ubuntu 18.04", "ubuntu 16.04", "debian 10", "centos 7"),
        ("RTX 2080 Ti", "GTX 1080 Ti", "Tesla V100", "RTX 2070"),
        (">=410", ">=418.39", "440"),
        ("10.0", "10.1"),
        (
            _stack("3.6 3.7", "pandas matplotlib", tensorflow="1.13 1.14 1.15 2.0"),
            _stack("2.7 3.6 3.7", "torchvision scipy", torch="1.0 1.1 1.2 1.4"),
            _stack("3.6 3.7", "", fastai="1.0"),
            _stack("3.6 3.7", "scikit-learn", keras="2.2 2.3", tensorflow="1.13 1.14"),
        ),
    ),
    Era(
        ("ubuntu 20.04", "debian 11", "rocky 8", "ubuntu 18.04"),
        ("RTX 3090", "A100", "RTX 3080", "Tesla T4"),
        (">=450.80", ">=470", "510"),
        ("11.1", "11.2", "11.3", "11.6"),
        (
            _stack("3.8 3.9", "pandas", tensorflow="2.4 2.6 2.8"),
            _stack("3.7 3.8 3.9", "torchvision transformers", torch="1.8 1.10 1.12"),
            _stack("3.8 3.9", "scikit-learn", jax="0.3"),
            _stack("3.8 3.9", "pytorch-lightning", torch="1.9 1.11"),
            _stack("3.8 3.9", "scipy", cupy="9.6 10.6"),
        ),
    ),
    Era(
        ("ubuntu 22.04", "debian 12", "rocky 9", "ubuntu 20.04"),
        ("RTX 4090", "H100", "L4", "RTX 3060"),
        (">=525", ">=535", "550"),
        ("11.8", "12.1", "12.4"),
        (
            _stack("3.10 3.11", "torchvision transformers accelerate", torch="2.0 2.1 2.3 2.4"),
            _stack("3.9 3.10 3.11", "pandas", tensorflow="2.12 2.14 2.15 2.16"),
            _stack("3.10 3.11", "optax flax", jax="0.4"),
            _stack("3.10 3.11", "numpy", onnxruntime="1.16 1.18"),
            _stack("3.10 3.11", "datasets", keras="3.0 3.3", torch="2.2"),
        ),
    ),
    Era(
        ("ubuntu 24.04", "debian 13", "ubuntu 26.04", "debian 12", "rocky 10"),
        ("RTX 5090", "RTX 4090", "B200", "RTX PRO 6000 Blackwell", "H100"),
        (">=570", ">=580", "580"),
        ("12.8", "12.9", "13.0"),
        (
            _stack("3.12 3.13", "torchvision transformers", torch="* 2.8 2.9 2.11"),
            _stack("3.12", "vllm", torch="*"),
            _stack("3.12 3.13 3.14", "scipy", jax="* 0.8"),
            _stack("3.12 3.13", "pandas", tensorflow="* 2.20"),
            _stack("3.12 3.13", "numpy", cupy="* 13.6"),
            _stack("3.12 3.14", "peft trl", torch="*"),
        ),
    ),
)
_PACKAGES = ("tqdm", "requests", "pyyaml", "jupyterlab", "tensorboard", "opencv-python-headless")
_INTERPRETERS = ("", "system", "uv", "pyenv", "conda")
_SYSTEM_PACKAGES = ("git", "tmux", "build-essential", "htop")
# Names of the same, or of others, where the system has no such package.
_DNF_PACKAGES = {"build-essential": "gcc-c++", "htop": "rsync"}


def draw_rig(seed: int, *, with_frameworks: bool = True) -> str:
    """The text of a rig with one machine; the same for the same seed.

    Without frameworks, an environment has one small package.
    """
    chance = random.Random(seed)
    era = chance.choice(ERAS)
    lines = ["rig = 1", f'name = "drawn-{seed}"', "", "[machine.box]"]
    system = _mostly_first(chance, era.systems)
    lines.append(f'os = "{system}"')
    has_gpu = chance.random() < 0.75
    if has_gpu:
        count = chance.choice(("", "", ", count = 2", ", count = 8"))
        lines.append(f'gpus = [{{ model = "{chance.choice(era.gpus)}"{count} }}]')
        lines += _driver(chance, era)
        lines += _cuda(chance, era)
    if chance.random() < 0.3:
        other_names = {} if system.startswith(("ubuntu", "debian")) else _DNF_PACKAGES
        sample = (other_names.get(name, name) for name in chance.sample(_SYSTEM_PACKAGES, 2))
        named = ", ".join(f'"{name}"' for name in sample)
        lines += ["", "[system]", f"packages = [{named}]"]
    names = ["lab"] if chance.random() < 0.85 else ["lab", "old"]
    for name in names:
        lines += _environment(chance, era, name, with_frameworks)
    lines += _services(chance)
    return "\n".join(lines) + "\n"


def _mostly_first(chance: random.Random, choices: Sequence[str]) -> str:
    return choices[0] if chance.random() < 0.4 else chance.choice(choices)


def _driver(chance: random.Random, era: Era) -> list[str]:
    kind = chance.random()
    version = chance.choice(era.drivers)
    if kind < 0.4:
        return []
    if kind < 0.75:
        return [f'driver = "{version}"']
    source = chance.choice(("nvidia", "distribution", "none"))
    if source == "none":
        return ['driver = "none"']
    return [f'driver = {{ version = "{version}", from = "{source}" }}']


def _cuda(chance: random.Random, era: Era) -> list[str]:
    if chance.random() < 0.55:
        return []
    lines = ["", "[cuda]"]
    if chance.random() < 0.8:
        lines.append(f'toolkit = "{chance.choice(era.toolkits)}"')
    if chance.random() < 0.4:
        lines.append('cudnn = "*"')
    if chance.random() < 0.25:
        lines.append(f'provider = "{chance.choice(("nvidia", "runfile", "debian", "wheels"))}"')
    return lines


def _environment(chance: random.Random, era: Era, name: str, with_frameworks: bool) -> list[str]:
    stack = chance.choice(era.stacks)
    lines = ["", f"[env.{name}]"]
    if chance.random() < 0.75:
        lines.append(f'python = "{chance.choice(stack.pythons)}"')
    interpreter = chance.choice(_INTERPRETERS)
    if interpreter:
        lines.append(f'interpreter = "{interpreter}"')
    if not with_frameworks:
        return [*lines, 'packages = { six = "*" }']
    wanted = ", ".join(f'{each} = "{chance.choice(v)}"' for each, v in stack.frameworks)
    lines.append(f"frameworks = {{ {wanted} }}")
    lines += _settings(name for name, _ in stack.frameworks)
    packages = [each for each in stack.packages if chance.random() < 0.5]
    packages += chance.sample(_PACKAGES, chance.choice((0, 0, 1, 2)))
    if packages:
        lines.append("packages = { " + ", ".join(f'{each} = "*"' for each in packages) + " }")
    return lines


def _settings(frameworks: Iterable[str]) -> list[str]:
    """Select what Keras runs on: without this line it is TensorFlow."""
    names = tuple(frameworks)
    if "keras" not in names or "tensorflow" in names:
        return []
    (backend,) = (name for name in names if name != "keras")
    return [f'config.keras = {{ backend = "{backend}" }}']


def _services(chance: random.Random) -> list[str]:
    lines: list[str] = []
    if chance.random() < 0.2:
        lines += ["", "[service.ssh]", "port = 22"]
    if chance.random() < 0.2:
        lines += ["", "[service.jupyter]", 'env = "lab"']
    return lines
