"""Frameworks as tables of the matrix: what their wheels ask of everything beneath them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpu_code import code_rules, parse_code
from matrix_rows import Row, Sources, full_day, read, release, rule, runs, span_of, weakest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

__all__ = ["cupy", "fastai", "jax", "keras", "mxnet", "onnxruntime", "tensorflow", "theano",
           "torch", "chainer"]

# The oldest C library and the oldest pip that the matrix knows: what asks for less asks nothing.
_OLDEST_GLIBC = (2, 17)
_OLDEST_PIP = (9, 0, 1)

# A GPU build whose CUDA the facts leave blank.
_UNSAID = "unsaid"


@dataclass(frozen=True)
class Line:
    """One package's releases: the product they belong to, and the family if there are several."""

    product: str
    package: str
    family: str = ""

    def when(self, specifier: str) -> dict[str, object]:
        return {self.product: f"{self.family} {specifier}".strip()}


def tensorflow(facts: Path, sources: Sources) -> Iterator[str]:
    rows = [
        row for row in read(facts, "tensorflow") if row["linux_wheels_exist"] == "yes"
    ]
    for package in ("tensorflow", "tensorflow-gpu"):
        own = [row for row in rows if row["package"] == package]
        line = Line("tensorflow", package, package)
        yield from _releases(own, sources, package)
        yield from _wheel_rules(own, line, sources)
        yield from _cpu_only(own, line, sources)
        for run in runs(_with_build(own), "build"):
            if run[0]["build"] != _UNSAID:
                yield from _tensorflow_build(run, line)
            else:
                yield _unsaid_cuda(run, line, "error", "wheels")
        for run in runs(own, "wheel_compute_capabilities"):
            id_, specifier, words = span_of(run)
            code = parse_code(run[0]["wheel_compute_capabilities"], ptx_is_native=True)
            when = {**line.when(specifier), "accelerator": "gpu"}
            name = f"{package} {words}"
            yield from code_rules(f"{package}-{id_}", when, name, code, ["wheels"], weakest(run))


def _with_build(rows: Iterable[Row]) -> list[Row]:
    """The rows with CUDA and cuDNN in one column; `8` is `8.0` there, and `12.5.1` is 12.5."""
    found = []
    for row in rows:
        cuda = row["cuda"]
        if cuda and row["gpu_build"] == "yes":
            cuda = f"{cuda}.0" if "." not in cuda else ".".join(cuda.split(".")[:2])
            found.append({**row, "build": f"{cuda} {row['cudnn']}"})
        else:
            found.append({**row, "build": _UNSAID if row["gpu_build"] == "yes" else ""})
    return found


def _unsaid_cuda(run: Sequence[Row], line: Line, severity: str, source: str) -> str:
    """A GPU build of which nobody says what it is built for is not taken for one that fits."""
    id_, specifier, words = span_of(run)
    return rule(
        f"{line.package}-{id_}/accelerator",
        when=line.when(specifier),
        must={"accelerator": "cpu"},
        code="RS229",
        statement=f"no source says which CUDA {line.package} {words} is built for",
        severity=severity,
        source=[source],
        of="low",
    )


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
    if not exact:
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
    if Version(run[-1]["version"]) >= Version("2.14"):
        first = max(Version(run[0]["version"]), Version("2.14"))
        later = {**line.when(f">={first},<={run[-1]['version']}"), "accelerator": "gpu"}
        yield rule(
            f"{line.package}-{id_}/cuda_runtime",
            when={**later, "provider": "wheels"},
            must={"cuda_runtime": cuda},
            code="RS201",
            statement=f"{name} takes CUDA {cuda} from NVIDIA's wheels when it is installed with "
            "`and-cuda`",
            source=["wheels", "and-cuda"],
            of=of,
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
    yield from _releases(rows, sources)
    yield from _wheel_rules(rows, line, sources)
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
            own.append({**row, **borrowed, "min_pip_for_tag": _pip_for(borrowed["platform_tags"])})
    line = Line("jax", "jax")
    yield from _releases(own, sources)
    yield from _wheel_rules(own, line, sources)
    plugins = [row for row in own if Version(row["version"]) >= Version("0.4.30")]
    older = [row for row in own if Version(row["version"]) < Version("0.4.30")]
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
        of="high",
    )
    id_, specifier, words = span_of(plugins)
    yield rule(
        f"jax-{id_}/cuda_runtime",
        when={**line.when(specifier), "accelerator": "gpu"},
        must={"cuda_runtime": ">=12.1,<13"},
        code="RS201",
        statement=f"jax {words} with `cuda12` brings CUDA 12 in NVIDIA's wheels",
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


def _pip_for(tags: str) -> str:
    """The oldest pip that reads one of the tags (Python Packaging User Guide)."""
    least = {"manylinux1": "8.1", "manylinux2010": "19.0", "manylinux2014": "19.3"}
    found = [least.get(tag.split("_")[0], "20.3") for tag in tags.split() if tag != "any"]
    return min(found, key=Version, default="")


def keras(facts: Path, sources: Sources) -> Iterator[str]:
    rows = [row for row in read(facts, "theano_keras_fastai") if row["package"] == "keras"]
    line = Line("keras", "keras")
    yield from _releases(rows, sources)
    yield from _wheel_rules(rows, line, sources)
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
    yield from _releases(rows, sources)
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
            statement=f"Theano {words} is declared for Python {', '.join(series)}",
            breaks="SyntaxError, or a build that fails",
            source=["setup"],
            of="medium",
        )


def fastai(facts: Path, sources: Sources) -> Iterator[str]:
    rows = [row for row in read(facts, "theano_keras_fastai") if row["package"] == "fastai"]
    line = Line("fastai", "fastai")
    yield from _releases(rows, sources)
    yield from _wheel_rules(rows, line, sources)
    bounded = []
    for row in rows:
        found = re.match(r"torch([<>=!][^ ]*)", row["backend_req"])
        bounded.append({**row, "torch": found[1] if found else ""})
    for run in runs(bounded, "torch"):
        id_, specifier, words = span_of(run)
        asked = run[0]["torch"]
        if asked == "<0.4":  # no such torch is on the index
            continue
        yield rule(
            f"fastai-{id_}/torch",
            when={"fastai": specifier},
            must={"torch": asked},
            code="RS209",
            statement=f"fastai {words} asks for torch {asked}",
            breaks="ERROR: ResolutionImpossible",
            source=["index"],
            of=weakest(run),
        )


def cupy(facts: Path, sources: Sources) -> Iterator[str]:
    yield from _by_cuda(facts, sources, "cupy", r"cupy-cuda")


def mxnet(facts: Path, sources: Sources) -> Iterator[str]:
    yield from _by_cuda(facts, sources, "mxnet", r"mxnet")


def _by_cuda(facts: Path, sources: Sources, product: str, pattern: str) -> Iterator[str]:
    """A product that is one package a CUDA release, each with its own name."""
    rows = [r for r in read(facts, "mxnet_cupy_chainer") if re.match(pattern, r["package"])]
    for package in dict.fromkeys(row["package"] for row in rows):
        own = [
            {**row, "min_pip_for_tag": _pip_for(row["platform_tags"])}
            for row in rows
            if row["package"] == package
        ]
        line = Line(product, package, package)
        yield from _releases(own, sources, package)
        yield from _wheel_rules(own, line, sources)
        cuda = own[0]["cuda"]
        if cuda:
            yield _package_cuda(line, cuda, own)
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
    yield from _releases(rows, sources)
    yield from _wheel_rules(rows, Line("chainer", "chainer"), sources)


def onnxruntime(facts: Path, sources: Sources) -> Iterator[str]:
    rows = [
        {**row, "min_pip_for_tag": _pip_for(row["platform_tags"])}
        for row in read(facts, "mxnet_cupy_chainer")
        if row["package"] == "onnxruntime-gpu"
    ]
    line = Line("onnxruntime", "onnxruntime-gpu", "onnxruntime-gpu")
    yield from _releases(rows, sources, "onnxruntime-gpu")
    yield from _wheel_rules(rows, line, sources)
    majors = [{**row, "major": row["cuda"].split(".")[0] or _UNSAID} for row in rows]
    for run in runs(majors, "major"):
        id_, specifier, words = span_of(run)
        if run[0]["major"] == _UNSAID:
            yield _unsaid_cuda(run, line, "warning", "index")
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


# --- what all of them have -------------------------------------------------------------------------


def _releases(rows: Sequence[Row], sources: Sources, family: str = "") -> Iterator[str]:
    for row in sorted(rows, key=lambda row: Version(row["version"])):
        yanked = row.get("yanked", "")
        reason = f"yanked from the package index{'' if yanked == 'yanked' else f': {yanked}'}"
        day = row.get("release_date", "")
        yield release(
            row["version"],
            family=family,
            availability=[("yanked", "", reason)] if yanked else [],
            figures={"released": day} if full_day(day) else {},
            source=sources.of(row),
            of=row["confidence"],
        )


def _wheel_rules(rows: Sequence[Row], line: Line, sources: Sources) -> Iterator[str]:
    """Python, pip and C library, out of the tags of the wheels."""
    told = [{**row, "pythons": _pythons(row)} for row in rows]
    for run in runs(told, "pythons"):
        yield _python_rule(run, line, sources)
    for run in runs(rows, "min_pip_for_tag") if "min_pip_for_tag" in rows[0] else ():
        id_, specifier, words = span_of(run)
        least, tags = run[0]["min_pip_for_tag"], _tag(run[0]["platform_tags"])
        if Version(least).release > _OLDEST_PIP:
            yield rule(
                f"{line.package}-{id_}/pip",
                when=line.when(specifier),
                must={"pip": f">={least}"},
                code="RS210",
                statement=f"{line.package} {words} has {tags} wheels, which pip reads from {least} "
                "on",
                breaks="No matching distribution found",
                source=[_wheels(sources, run), "manylinux"],
                of=weakest(run),
            )
    for run in runs(rows, "min_glibc") if "min_glibc" in rows[0] else ():
        id_, specifier, words = span_of(run)
        least = run[0]["min_glibc"]
        if Version(least).release > _OLDEST_GLIBC:
            yield rule(
                f"{line.package}-{id_}/glibc",
                when=line.when(specifier),
                must={"glibc": f">={least}"},
                code="RS211",
                statement=f"{line.package} {words} has wheels for glibc {least} and newer",
                breaks="No matching distribution found",
                source=[_wheels(sources, run), "manylinux"],
                of=weakest(run),
            )


def _pythons(row: Row) -> str:
    """The Pythons a release is for: series joined by blanks, or a specifier, or nothing known."""
    tags = row.get("linux_x86_64_python_tags") or row.get("python_tags") or ""
    series = [f"{tag[2]}.{tag[3:]}" for tag in tags.split() if re.fullmatch(r"cp\d+", tag)]
    known = [s for s in series if s not in ("3.3", "3.15")]
    if known:
        return " ".join(known)
    asked = row.get("requires_python", "")
    if asked:
        return asked.replace(" ", "")
    return ">=3" if tags == "py3" else ""


def _python_rule(run: Sequence[Row], line: Line, sources: Sources) -> str:
    id_, specifier, words = span_of(run)
    told = run[0]["pythons"]
    series = told.split() if told[0].isdigit() else []
    listed = ", ".join(series)
    return rule(
        f"{line.package}-{id_}/python",
        when=line.when(specifier),
        must={"python": series or told},
        code="RS207",
        statement=f"{line.package} {words} has wheels for Python {listed}"
        if series
        else f"{line.package} {words} asks for Python {told}",
        breaks="Could not find a version that satisfies the requirement",
        source=[_wheels(sources, run)],
        of=weakest(run),
    )


def _cpu_only(rows: Sequence[Row], line: Line, sources: Sources) -> Iterator[str]:
    for run in runs(rows, "gpu_build"):
        if run[0]["gpu_build"] == "no":
            id_, specifier, words = span_of(run)
            yield rule(
                f"{line.package}-{id_}/accelerator",
                when=line.when(specifier),
                must={"accelerator": "cpu"},
                code="RS219",
                statement=f"the package {line.package} {words} is built for the CPU only; the GPU "
                f"build of these releases is {line.package}-gpu",
                breaks="nothing: it computes on the CPU without a word",
                source=["wheels"],
                of=weakest(run),
            )


def _wheels(sources: Sources, run: Sequence[Row]) -> str:
    """The source that speaks of the package index."""
    found = sources.of(run[0])
    return next((key for key in ("wheels", "index") if key in found), found[0])


def _tag(tags: str) -> str:
    return " and ".join(tag.removesuffix("_x86_64") for tag in tags.split())
