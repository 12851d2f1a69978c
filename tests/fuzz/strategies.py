"""Inputs for every reader: noise, mutated files, values from the JSON Schema, plausible rigs."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from rigspec.matrix.loader import list_product_names, load_matrix
from rigspec.spec.json_schema import render_json_schema
from tests.drawn.rigs import ERAS, draw_rig
from tests.injection.texts import HOSTILE
from tests.injection.written import literal

__all__ = ["files", "lists_of_packages", "mutated", "questions", "rigs", "specs_from_schema"]

# What files of other programs consist of, with what separates and what ends it.
_TOKENS = (
    *("torch", "tensorflow", "numpy", "cudatoolkit", "python", "pip", "nvidia", "#", "\\", "\t"),
    *("==", ">=", "<", "~=", "!=", "===", "=", "*", ".", ",", ";", ":", "- ", "  ", "\n", "\n\n"),
    *(
        "1.8",
        "2.4.1+cu121",
        "3.10",
        "0",
        "9" * 30,
        "v1",
        "1!2",
        "2.*",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
    ),
    *(
        "FROM ",
        "RUN ",
        "ENV ",
        "ARG ",
        "COPY ",
        " AS ",
        "--from=",
        "${X",
        "$X",
        "&&",
        "|",
        '"',
        "'",
    ),
    *("-r ", "-e ", "--hash=sha256:", "-c ", "@ https://example.org/a.whl", "sys_platform == 'x'"),
    *("dependencies:", "channels:", "services:", "package:", "pytorch::", "PyTorch version: "),
    *("<nvidia_smi_log>", "<product_name>", "Driver Version: 535", "| 0 ", "GPU 0: ", "&a", "*a"),
    *("!!python/object:x ", "---", "? ", "\r", "\0", "\ufeff", "\u2028", "\x85", "é", "\U0001f600"),
)
_noise = st.lists(st.sampled_from(_TOKENS), max_size=40).map("".join)
_NAMES = (
    *("requirements.txt", "environment.yml", "Dockerfile", "env.txt", "uv.lock", "pixi.toml"),
    *("pyproject.toml", "compose.yaml", "conda-lock.yml", "pylock.toml", "devcontainer.json", "x"),
)
_SAMPLES = (
    "torch==2.4.1\n-r other.txt\nnumpy>=1.26,<2 ; python_version >= '3.9'\n",
    "name: lab\nchannels:\n  - pytorch\ndependencies:\n  - python=3.10\n  - pip:\n"
    "    - torch==2.1\n",
    "FROM nvidia/cuda:12.1.0-cudnn8-devel-ubuntu22.04 AS base\nENV A=1 B='2'\n"
    "RUN pip install torch==2.1 && \\\n  apt-get install -y git\n",
    "FROM ubuntu:24.04\nARG FLASH=false TARGETARCH\nENV HF_HOME /data\n"
    'RUN if [ ! -z "$FLASH" ]; then python3.12 -m pip install x; elif [[ $A == b* ]]; then y; fi\n',
    "# /// script\n# requires-python = '>=3.11'\n# dependencies = ['torch==2.9.*']\n"
    "# [tool.uv.sources]\n# torch = { index = 'a' }\n# ///\nimport torch\n",
    "PyTorch version: 2.4.1+cu121\nOS: Ubuntu 22.04.4 LTS (x86_64)\nPython version: 3.10.12\n"
    "GPU models and configuration: GPU 0: NVIDIA GeForce RTX 4090\n[pip3] torch==2.4.1\n",
    "dependency-groups = { c = [{ include-group = 'c' }, 'y'] }\n"
    "[project]\nname = 'x'\ndependencies = ['torch>=2', 'jax[cuda12]']\n"
    "optional-dependencies = { a = ['x[b]'], b = ['x[a]', 'numpy'] }\n"
    "[tool.poetry.dependencies]\npython = '^3.10'\n",
    "services:\n  lab:\n    image: tensorflow/tensorflow:2.15.0-gpu\n    build: .\n",
    "# packages in environment at /opt/lab:\n#\n# Name   Version  Build  Channel\n"
    "pytorch  2.1.0  py3.10_cuda12.1_cudnn8.9.2_0  pytorch\n",
    '<nvidia_smi_log><driver_version>535.1</driver_version><gpu id="0">'
    "<product_name>NVIDIA A100</product_name></gpu></nvidia_smi_log>",
)


@st.composite
def mutated(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text with up to four places removed, repeated or replaced by a token."""
    text = draw(texts)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 40))
        new = draw(
            st.one_of(
                st.just(""),
                st.just(text[start:end] * draw(st.integers(2, 40))),
                st.sampled_from(_TOKENS),
                st.sampled_from([each for each in HOSTILE.values() if len(each) < 200]),
                _noise,
            )
        )
        text = text[:start] + new + text[end:]
    return text


files = st.tuples(st.sampled_from(_NAMES), st.one_of(_noise, mutated(st.sampled_from(_SAMPLES))))
lists_of_packages = mutated(
    st.just(
        "Package: libc6\nVersion: 2.36-9\nDepends: libgcc-s1 (>= 3), a | b (<< 2:1~x)\n"
        "Provides: libc (= 2), c-lib\nPre-Depends: d:any\nArchitecture: amd64\n"
        "Priority: required\nSize: 10\nFilename: pool/x.deb\nSHA256: 00\n\n"
        "Package: libgcc-s1\nVersion: 1:12.2\nProvides: libc\nSize: 9\nFilename: y\nSHA256: 11\n"
    )
)


# --- specs -----------------------------------------------------------------------------------


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(render_json_schema())
    return schema


_ODD: tuple[Any, ...] = (0, -1, 1.5, 1e308, float("nan"), float("inf"), True, [], {}, "", "*", "x")


def specs_from_schema() -> st.SearchStrategy[str]:
    """The text of a table that mostly follows the JSON Schema."""

    def write(value: Any) -> str:
        return "".join(f"{_key(key)} = {literal(each)}\n" for key, each in value.items())

    return _value(_schema(), 0).map(lambda value: write({"rig": 1, "name": "fuzz", **value}))


def _key(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(node: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if "$ref" in node:
        node = _schema()["$defs"][node["$ref"].rpartition("/")[2]]
    for key in ("anyOf", "oneOf"):
        if key in node:
            return st.one_of([st.deferred(lambda n=n: _value(n, depth)) for n in node[key]])
    if "enum" in node or "const" in node:
        return st.sampled_from(node.get("enum", [node.get("const")]))
    odd = st.sampled_from(_ODD) if depth else st.nothing()
    return st.one_of(_typed(node, depth), _typed(node, depth), _typed(node, depth), odd)


def _typed(node: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    kind = node.get("type")
    if kind == "object":
        return _table(node, depth)
    if kind == "array":
        items = st.deferred(lambda: _value(node.get("items", {"type": "string"}), depth + 1))
        return st.lists(items, max_size=3)
    if kind in ("integer", "number"):
        low, high = node.get("minimum", -(2**40)), node.get("maximum", 2**40)
        return st.one_of(st.integers(int(low), int(high)), st.sampled_from([low, high, 0]))
    if kind == "boolean":
        return st.booleans()
    return _string(node)


def _string(node: dict[str, Any]) -> st.SearchStrategy[str]:
    words = st.sampled_from(_words())
    if "pattern" in node:
        # Most patterns use look-ahead, which hypothesis rejects by trial: words mostly match.
        return st.one_of(words, st.text(max_size=20), st.from_regex(r"/[a-z]{1,8}", fullmatch=True))
    return st.one_of(words, words, st.text(max_size=30))


def _table(node: dict[str, Any], depth: int) -> st.SearchStrategy[dict[str, Any]]:
    properties = node.get("properties", {})
    fixed = {
        key: st.deferred(lambda below=below: _value(below, depth + 1))
        for key, below in properties.items()
        if key not in ("rig", "name") or depth
    }
    required = {key: fixed[key] for key in node.get("required", ()) if key in fixed}
    optional = {key: each for key, each in fixed.items() if key not in required}
    named = st.fixed_dictionaries(required, optional={}) if depth > 5 else _some(required, optional)
    free = [*node.get("patternProperties", {}).values()]
    if isinstance(node.get("additionalProperties"), dict):
        free.append(node["additionalProperties"])
    if not free or depth > 5:
        return named
    below = st.deferred(lambda: _value(free[0], depth + 1))
    return st.builds(
        lambda one, other: {**other, **one},
        named,
        st.dictionaries(st.sampled_from(_words()), below, max_size=3),
    )


@st.composite
def _some(draw: st.DrawFn, required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    chosen = draw(st.sets(st.sampled_from(sorted(optional)), max_size=6)) if optional else set()
    wanted = {**required, **{key: optional[key] for key in sorted(chosen)}}
    return {key: draw(strategy) for key, strategy in wanted.items()}


@cache
def _words() -> tuple[str, ...]:
    """Names and versions of the matrix, and short texts of every kind."""
    eras = {v for era in ERAS for v in (*era.systems, *era.gpus, *era.drivers, *era.toolkits)}
    names = {name for name in list_product_names() if ":" not in name}
    common = {"lab", "box", "*", "3.10", ">=2", "/srv/x", "~/x", "https://example.org/x", "16 GB"}
    return tuple(sorted(eras | names | common | {"5 m", "22", "a" * 64, "NAME", "1.8,<2", "none"}))


@st.composite
def rigs(draw: st.DrawFn) -> str:
    """A plausible rig, mostly with a framework and a version that the matrix has."""
    text = draw_rig(draw(st.integers(0, 100_000)))
    for _ in range(draw(st.integers(0, 2))):
        name, version = draw(st.sampled_from(_frameworks()))
        operator = draw(st.sampled_from(["", "==", ">=", "<", "<=", "!=", "~="]))
        text = text.replace("frameworks = {", f'frameworks = {{ {name} = "{operator}{version}",', 1)
    return text


@cache
def _frameworks() -> tuple[tuple[str, str], ...]:
    matrix = load_matrix()
    kinds = [product for product in matrix.products if product.kind == "framework"]
    return tuple((p.name, release.version) for p in kinds for release in p.releases)


questions = st.lists(
    st.one_of(
        st.deferred(lambda: st.sampled_from(_words())),
        st.sampled_from(["torch==2.4", "on", "8x", "x 2", "RTX", "5090", "with", "cuda", "-"]),
        _noise,
        st.text(max_size=20),
    ),
    min_size=1,
    max_size=5,
)
