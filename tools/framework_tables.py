"""Frameworks as tables of the matrix: what their wheels ask of everything beneath them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from gpu_code import code_rules, parse_code
from matrix_rows import Row, Sources, read, rule, runs, span_of, weakest
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from wheel_rules import Line, cpu_only, pip_for, releases, wheel_rules

__all__ = ["fastai", "jax", "keras", "tensorflow", "theano", "torch"]

# Nothing newer of the major is there to serve instead.
_LAST_OF_ITS_MAJOR = ("11.8",)

# The first TensorFlow whose `and-cuda` can be installed from the package index.
_AND_CUDA = Version("2.15.0.post1")


# What was taken from the package index: no wheel there serves who asks for it.
_GONE_TORCH = "<0.4"


def tensorflow(facts: Path, sources: Sources) -> Iterator[str]:
    rows = [row for row in read(facts, "tensorflow") if row["linux_wheels_exist"] == "yes"]
    for package in ("tensorflow", "tensorflow-gpu"):
        own = [row for row in rows if row["package"] == package]
        # No source says which CUDA the first packages for the GPU want.
        own = [row for row in own if row["gpu_build"] == "no" or row["cuda"]]
        line = Line("tensorflow", package, package)
        yield from releases(own, sources, package)
        yield from wheel_rules(own, line, sources)
        yield from cpu_only(own, line, sources)
        for run in runs(_with_build(own), "build"):
            yield from _tensorflow_build(run, line)
        for column in ("numpy", "protobuf", "h5py"):
            yield from _declared_bounds(own, column, line)
        yield from _keras_of(own, line)
        for run in runs(own, "wheel_compute_capabilities"):
            id_, specifier, words = span_of(run)
            code = parse_code(run[0]["wheel_compute_capabilities"], ptx_is_native=True)
            when = {**line.when(specifier), "accelerator": "gpu"}
            name = f"{package} {words}"
            yield from code_rules(f"{package}-{id_}", when, name, code, ["wheels"], weakest(run))


def _declared_bounds(rows: Sequence[Row], package: str, line: Line) -> Iterator[str]:
    """What a release's own metadata keeps a package below: `check` says it before the lock does."""
    bounded = [
        {**row, package: row[package] if re.search(r"<|~=|==", row[package]) else ""}
        for row in rows
        if ";" not in row[package]
    ]
    for run in runs(bounded, package):
        id_, specifier, words = span_of(run)
        asked = run[0][package]
        yield rule(
            f"{line.package}-{id_}/{package}",
            when=line.when(specifier),
            must={f"package:{package}": asked},
            code="RS217",
            statement=f"{line.package} {words} asks for {package} {asked}",
            breaks="ERROR: ResolutionImpossible",
            source=["wheels"],
            of=weakest(run),
        )


def _keras_of(rows: Sequence[Row], line: Line) -> Iterator[str]:
    """Which Keras a release stands on: from 2.6 on that is a package of its own."""
    for run in runs(rows, "keras"):
        id_, specifier, words = span_of(run)
        asked = run[0]["keras"]
        yield rule(
            f"{line.package}-{id_}/keras",
            when=line.when(specifier),
            must={"keras": asked},
            code="RS209",
            statement=f"{line.package} {words} asks for keras {asked}",
            breaks="ERROR: ResolutionImpossible",
            source=["wheels"],
            of=weakest(run),
        )


def _with_build(rows: Iterable[Row]) -> list[Row]:
    """The rows with CUDA and cuDNN in one column; `8` is `8.0` there, and `12.5.1` is 12.5."""
    found = []
    for row in rows:
        cuda = row["cuda"]
        if cuda and row["gpu_build"] == "yes":
            cuda = f"{cuda}.0" if "." not in cuda else ".".join(cuda.split(".")[:2])
            found.append({**row, "build": f"{cuda} {row['cudnn']}"})
        else:
            found.append({**row, "build": ""})
    return found


def _tensorflow_build(run: Sequence[Row], line: Line) -> Iterator[str]:
    id_, specifier, words = span_of(run)
    cuda, cudnn = run[0]["build"].split()
    name, major = f"{line.package} {words}", int(cuda.split(".")[0])
    source, of = ["wheels", "build-table", "issue-17629"], weakest(run)
    own = {"provider": ["nvidia", "runfile", "debian", "conda", "image"]}
    when = {**line.when(specifier), "accelerator": "gpu"}
    exact = major < 11
    yield rule(
        f"{line.package}-{id_}/cuda",
        when={**when, **own},
        must={"cuda": cuda if exact else f">={cuda},<{major + 1}"},
        code="RS201",
        statement=f"{name} is linked against CUDA {cuda}"
        + ("" if exact else f", whose libraries keep their names until CUDA {major + 1}"),
        breaks=f"ImportError: libcublas.so.{cuda}: cannot open shared object file: "
        "No such file or directory"
        if exact
        else f"Could not load dynamic library 'libcublas.so.{major}'",
        source=source if exact else [*source, "compatibility"],
        of=of,
    )
    if not exact and cuda not in _LAST_OF_ITS_MAJOR:
        yield rule(
            f"{line.package}-{id_}/cuda/tested",
            when={**when, **own},
            must={"cuda": cuda},
            code="RS226",
            statement=f"{name} is built and tested with CUDA {cuda}; a later {major}.x serves it "
            "by minor-version compatibility",
            severity="note",
            source=["build-table", "compatibility"],
            of=of,
        )
    yield _tensorflow_cudnn(f"{line.package}-{id_}", {**when, **own}, name, cudnn, of)
    yield from _tensorflow_in_wheels(run, line, cuda, source)


def _tensorflow_in_wheels(
    run: Sequence[Row], line: Line, cuda: str, source: list[str]
) -> Iterator[str]:
    """``and-cuda``: exact pins until 2.19, a range of the major from 2.20 on."""
    major = int(cuda.split(".")[0])
    exact = [row for row in run if _AND_CUDA <= Version(row["version"]) < Version("2.20")]
    ranged = [row for row in run if Version(row["version"]) >= Version("2.20")]
    for rows, must in ((exact, cuda), (ranged, f">={cuda},<{major + 1}")):
        if rows:
            id_, specifier, words = span_of(rows)
            newer = "" if rows is exact else " or a later one of its major"
            yield rule(
                f"{line.package}-{id_}/cuda_runtime",
                when={**line.when(specifier), "accelerator": "gpu", "provider": "wheels"},
                must={"cuda_runtime": must},
                code="RS201",
                statement=f"{line.package} {words} with `and-cuda` takes CUDA {cuda}{newer} from "
                "NVIDIA's wheels",
                source=[*source[:1], "and-cuda"],
                of=weakest(rows),
            )


def _tensorflow_cudnn(id_: str, when: Mapping[str, object], name: str, text: str, of: str) -> str:
    major, _, least = text.partition(".")
    # Before cuDNN 7 the file name held the minor release; from 7 on a newer minor serves.
    if int(major) < 7:
        must, words = text, text
    else:
        must = f">={major}.{least},<{int(major) + 1}" if least else major
        words = f"{major}, at least {major}.{least}" if least else major
    return rule(
        f"{id_}/cudnn",
        when=when,
        must={"cudnn": must},
        code="RS202",
        statement=f"{name} is built with cuDNN {words}",
        breaks="Loaded runtime CuDNN library: … but source was compiled with: …",
        source=["wheels", "build-table"],
        of=of,
    )


def torch(facts: Path, sources: Sources) -> Iterator[str]:
    rows = [
        {**row, "min_glibc": row["declared_min_glibc"]}
        for row in read(facts, "pytorch")
        if row["linux_x86_64_python_tags"]
    ]
    line = Line("torch", "torch")
    yield from releases(rows, sources)
    yield from wheel_rules(rows, line, sources)
    runtime = [{**row, "build": ".".join(row["default_wheel_cuda"].split(".")[:2])} for row in rows]
    for run in runs(runtime, "build"):
        id_, specifier, words = span_of(run)
        cuda = run[0]["build"]
        yield rule(
            f"torch-{id_}/cuda_runtime",
            when={**line.when(specifier), "accelerator": "gpu"},
            must={"cuda_runtime": cuda},
            code="RS201",
            statement=f"torch {words} brings CUDA {cuda} in its wheels, whatever toolkit the "
            "machine has",
            source=["wheels", "versions"],
            of=weakest(run),
        )
    for run in runs(_with_code(rows), "code"):
        id_, specifier, words = span_of(run)
        code = parse_code(run[0]["code"], ptx_is_native=False)
        when = {**line.when(specifier), "accelerator": "gpu"}
        yield from code_rules(
            f"torch-{id_}", when, f"torch {words}", code, ["wheels"], weakest(run)
        )
    for row in rows:
        if row["torchvision"]:
            yield _torchvision(row)


def _with_code(rows: Sequence[Row]) -> list[Row]:
    """The rows with what code their wheels hold.

    A release that nobody opened has what the ones before and after it agree on; where they do
    not, what both have.
    """
    known: list[list[str] | None] = []
    for row in rows:
        told = row["default_wheel_sm_list"] or row["sm_list_note"].partition(": ")[2]
        known.append(told.split() or None)
    found = []
    for index, row in enumerate(rows):
        own = known[index]
        if own is None:
            before = next((k for k in reversed(known[:index]) if k), None)
            after = next((k for k in known[index + 1 :] if k), None)
            if before and after:
                own = [word for word in before if word in after]
        doubt = {} if row["default_wheel_sm_list"] else {"confidence": "medium"}
        found.append({**row, **doubt, "code": " ".join(own or [])})
    return found


def _torchvision(row: Row) -> str:
    version, vision = row["version"], row["torchvision"]
    return rule(
        f"torch-{version}/torchvision",
        when={"torch": f"=={version}"},
        must={"package:torchvision": f"=={vision}"},
        code="RS217",
        statement=f"torchvision {vision} is the one built for torch {version}",
        breaks="RuntimeError: Couldn't load custom C++ ops",
        source=["versions"],
        of=row["confidence"],
    )


def jax(facts: Path, sources: Sources) -> Iterator[str]:
    rows = read(facts, "jax")
    libraries = [row for row in rows if row["package"] == "jaxlib"]
    own = []
    for row in rows:
        if row["package"] == "jax" and len(row["version"].split(".")) > 2:
            library = _jaxlib_of(row, libraries)
            tags = ("linux_x86_64_python_tags", "platform_tags", "min_glibc")
            borrowed = {column: library[column] if library else "" for column in tags}
            own.append({**row, **borrowed, "min_pip_for_tag": pip_for(borrowed["platform_tags"])})
    line = Line("jax", "jax")
    yield from releases(own, sources)
    yield from wheel_rules(own, line, sources)
    yield from _jax_cuda(own, line)


def _jax_cuda(rows: Sequence[Row], line: Line) -> Iterator[str]:
    """Which CUDA a jax finds on the package index: none, 12, or 12 and 13."""
    older = [row for row in rows if Version(row["version"]) < Version("0.4.30")]
    both = [row for row in rows if Version(row["version"]) >= Version("0.7.2")]
    id_, specifier, words = span_of(older)
    yield rule(
        f"jax-{id_}/accelerator",
        when=line.when(specifier),
        must={"accelerator": "cpu"},
        code="RS219",
        statement=f"jax {words} finds only jaxlib for the CPU on the package index; its CUDA "
        "builds stood elsewhere, under local versions",
        breaks="No GPU/TPU found, falling back to CPU.",
        source=["changelog"],
    )
    told = (
        (
            [row for row in rows if row not in older and row not in both],
            "<13",
            "CUDA 12 in NVIDIA's wheels with `cuda12`",
        ),
        (both, "<14", "CUDA 12 in NVIDIA's wheels with `cuda12`, and CUDA 13 with `cuda13`"),
    )
    for members, below, how in told:
        id_, specifier, words = span_of(members)
        yield rule(
            f"jax-{id_}/cuda_runtime",
            when={**line.when(specifier), "accelerator": "gpu"},
            must={"cuda_runtime": f">=12.1,{below}"},
            code="RS201",
            statement=f"jax {words} brings {how}",
            source=["changelog", "wheels"],
        )


def _jaxlib_of(row: Row, libraries: Sequence[Row]) -> Row | None:
    """The newest jaxlib that a jax asks for: its wheels are what has tags."""
    asked = row["jaxlib_req"].split("||")[0].partition(";")[0].strip()
    if not asked or "extra" in row["jaxlib_req"].split("||")[0]:
        asked = f"=={row['version']}"
    wanted = SpecifierSet(asked)
    fitting = [library for library in libraries if wanted.contains(library["version"])]
    return max(fitting, key=lambda r: Version(r["version"]), default=None)


def keras(facts: Path, sources: Sources) -> Iterator[str]:
    rows = [row for row in read(facts, "theano_keras_fastai") if row["package"] == "keras"]
    line = Line("keras", "keras")
    yield from releases(rows, sources)
    yield from wheel_rules(rows, line, sources)
    bound = [row for row in rows if row["backend"].startswith("TensorFlow-bound")]
    for series in dict.fromkeys(".".join(row["version"].split(".")[:2]) for row in bound):
        yield rule(
            f"keras-{series}/tensorflow",
            when={"keras": series},
            must={"tensorflow": series},
            code="RS209",
            statement=f"Keras {series} is the one of TensorFlow {series}",
            breaks="ImportError: cannot import name … from 'tensorflow'",
            source=["index"],
            of="medium",
        )


def theano(facts: Path, sources: Sources) -> Iterator[str]:
    rows = [row for row in read(facts, "theano_keras_fastai") if row["package"] == "theano"]
    yield from releases(rows, sources)
    declared = []
    for row in rows:
        series = re.findall(r"\d\.\d+", row["python_declared"].split("(")[0])
        declared.append({**row, "series": " ".join(series)})
    for run in runs(declared, "series"):
        id_, specifier, words = span_of(run)
        series = [s for s in run[0]["series"].split() if s not in ("2.6", "3.3")]
        yield rule(
            f"theano-{id_}/python",
            when={"theano": specifier},
            must={"python": series},
            code="RS207",
            # A classifier is no bound: 0.8.2 computes on Python 3.6, which came after it.
            statement=f"Theano {words} names Python {', '.join(series)} in its metadata, "
            "{value} it does not",
            breaks="SyntaxError, or an import that fails",
            severity="note",
            source=["setup"],
            of="medium",
        )


def fastai(facts: Path, sources: Sources) -> Iterator[str]:
    rows = []
    for row in read(facts, "theano_keras_fastai"):
        if row["package"] == "fastai":
            found = re.match(r"torch([<>=!][^ ]*)", row["backend_req"])
            rows.append({**row, "torch": found[1] if found else ""})
    yield from releases(rows, sources)
    had = [row for row in rows if row["torch"] != _GONE_TORCH]
    yield from wheel_rules(had, Line("fastai", "fastai"), sources)
    for run in runs(rows, "torch"):
        id_, specifier, words = span_of(run)
        asked = run[0]["torch"]
        gone = asked == _GONE_TORCH
        yield rule(
            f"fastai-{id_}/torch",
            when={"fastai": specifier},
            must={"fastai": ">=1.0"} if gone else {"torch": asked},
            code="RS209",
            statement=f"fastai {words} asks for torch {asked}"
            + (", of which the package index has no wheel" if gone else ""),
            breaks="ERROR: ResolutionImpossible",
            source=["index", "issue-20631"] if gone else ["index"],
            of=weakest(run),
        )
