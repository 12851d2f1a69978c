"""Frameworks that are one package a CUDA release, or few packages in all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from matrix_rows import Row, Sources, read, rule, runs, span_of, weakest
from wheel_rules import UNSAID, Line, pip_for, releases, unsaid_cuda, wheel_rules

__all__ = ["chainer", "cupy", "mxnet", "onnxruntime"]


def cupy(facts: Path, sources: Sources) -> Iterator[str]:
    yield from _by_cuda(facts, sources, "cupy", r"cupy-cuda")


def mxnet(facts: Path, sources: Sources) -> Iterator[str]:
    yield from _by_cuda(facts, sources, "mxnet", r"mxnet")


def _by_cuda(facts: Path, sources: Sources, product: str, pattern: str) -> Iterator[str]:
    """A product that is one package a CUDA release, each with its own name."""
    rows = [r for r in read(facts, "mxnet_cupy_chainer") if re.match(pattern, r["package"])]
    for package in dict.fromkeys(row["package"] for row in rows):
        own = [
            {**row, "min_pip_for_tag": pip_for(row["platform_tags"])}
            for row in rows
            if row["package"] == package
        ]
        line = Line(product, package, package)
        yield from releases(own, sources, package)
        yield from wheel_rules(own, line, sources)
        cuda = own[0]["cuda"]
        if cuda:
            yield _package_cuda(line, cuda, own)
            yield rule(
                f"{package}/accelerator",
                when={product: package},
                must={"accelerator": "gpu"},
                code="RS201",
                statement=f"{package} loads CUDA's libraries when it is imported, and fails on a "
                "machine without them",
                breaks="ImportError: libcuda.so.1: cannot open shared object file",
                source=["index"],
                of="medium",
            )
        else:
            yield rule(
                f"{package}/accelerator",
                when={product: package},
                must={"accelerator": "cpu"},
                code="RS219",
                statement=f"the package {package} is built for the CPU only; the GPU builds are "
                f"{package}-cuNN",
                breaks="MXNetError: GPU is not enabled",
                source=["index"],
            )


def _package_cuda(line: Line, cuda: str, rows: Sequence[Row]) -> str:
    if "-" in cuda:
        least, _, last = cuda.partition("-")
        must = f">={least},<={last}.99"
    elif cuda.endswith(".x"):
        must = cuda.removesuffix(".x")
    else:
        must = cuda
    return rule(
        f"{line.package}/cuda",
        when={line.product: line.package, "accelerator": "gpu"},
        must={"cuda": must},
        code="RS201",
        statement=f"{line.package} is built for CUDA {cuda}",
        breaks="ImportError: libcublas.so: cannot open shared object file",
        source=["index"],
        of=weakest(rows),
    )


def chainer(facts: Path, sources: Sources) -> Iterator[str]:
    rows = [row for row in read(facts, "mxnet_cupy_chainer") if row["package"] == "chainer"]
    yield from releases(rows, sources)
    yield from wheel_rules(rows, Line("chainer", "chainer"), sources)


def onnxruntime(facts: Path, sources: Sources) -> Iterator[str]:
    rows = [
        {**row, "min_pip_for_tag": pip_for(row["platform_tags"])}
        for row in read(facts, "mxnet_cupy_chainer")
        if row["package"] == "onnxruntime-gpu"
    ]
    line = Line("onnxruntime", "onnxruntime-gpu", "onnxruntime-gpu")
    yield from releases(rows, sources, "onnxruntime-gpu")
    yield from wheel_rules(rows, line, sources)
    majors = [{**row, "major": row["cuda"].split(".")[0] or UNSAID} for row in rows]
    for run in runs(majors, "major"):
        id_, specifier, words = span_of(run)
        if run[0]["major"] == UNSAID:
            yield unsaid_cuda(run, line, "warning", "index")
            continue
        major = run[0]["major"]
        yield rule(
            f"onnxruntime-gpu-{id_}/cuda",
            when={**line.when(specifier), "accelerator": "gpu"},
            must={"cuda": major},
            code="RS201",
            statement=f"onnxruntime-gpu {words} is built for CUDA {major}",
            breaks=f"Failed to load library libonnxruntime_providers_cuda.so: libcublas.so.{major}",
            source=["index"],
            of=weakest(run),
        )
