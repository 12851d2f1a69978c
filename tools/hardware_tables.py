"""GPUs, processors and cloud instances as tables of the matrix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from matrix_rows import Row, Sources, read, release
from more_figures import more_figures, retirement

__all__ = ["cpu", "gpu", "instance"]

# Generations by compute capability, as NVIDIA names them.
_GENERATIONS = {
    "2": "Fermi",
    "3": "Kepler",
    "5": "Maxwell",
    "6": "Pascal",
    "7.0": "Volta",
    "7.5": "Turing",
    "8.0": "Ampere",
    "8.6": "Ampere",
    "8.9": "Ada Lovelace",
    "9.0": "Hopper",
    "10": "Blackwell",
    "12": "Blackwell",
}

# Sold for slots and for boards of their own, which are not equally fast.
_SEVERAL_FORMS = {"A100", "H100", "H200", "P100", "V100"}

# What a table writes before a model or after it and people leave out or write in other words.
_LAPTOP = re.compile(r"\s+(?:Mobile/ ?Laptop|Mobile|Laptop)\b")


def gpu(facts: Path, sources: Sources) -> Iterator[str]:
    known = read(facts, "gpus")
    told = set()
    bandwidths = {_plain(_model(row["model"])): row for row in read(facts, "gpus_all")}
    for row in known:
        told |= {_plain(name) for name in (row["gpu"], *_other_names(row["gpu"]))}
        yield _known_gpu(row, bandwidths.get(_plain(row["gpu"])), sources)
    by_model: dict[tuple[str, str], list[Row]] = {}
    for row in read(facts, "gpus_all"):
        model = _model(row["model"])
        by_model.setdefault((model, row["compute_capability"]), []).append(row)
    for (model, capability), rows in sorted(by_model.items()):
        if _plain(model) not in told:
            chips = {c for m, c in by_model if m == model}
            yield _listed_gpu(model, capability, rows, sources, several=len(chips) > 1)


def _known_gpu(row: Row, listed: Row | None, sources: Sources) -> str:
    figures = {
        "architecture": row["architecture"],
        "memory_gib": row["vram_gib"],
        "watts": row["tdp_watts"],
        "length_mm": row["founders_card_length_mm"],
        "length_range_mm": row["partner_card_length_mm_range"],
        "pcie": row["pcie"],
        "fp32_tflops": row["fp32_tflops_boost"],
        "fp16_tflops": row["fp16_tflops_nontensor"],
        "tensor_fp16_tflops": row["fp16_tensor_tflops_dense"],
        "launched": row["launch_date"],
        "launch_price_usd": row["launch_msrp_usd"],
        "bandwidth_gb_s": listed["bandwidth_gb_s"] if listed is not None else "",
    }
    more = more_figures("gpu", row["gpu"])
    return release(
        row["gpu"],
        names=_other_names(row["gpu"]),
        provides={"compute_capability": f"=={row['compute_capability']}"},
        figures={key: value for key, value in (figures | more.figures).items() if value},
        source=[*dict.fromkeys([*sources.of(row), *more.sources])],
        told_by=more.told_by,
        of=row["confidence"],
    )


def _listed_gpu(
    model: str, capability: str, rows: list[Row], sources: Sources, *, several: bool
) -> str:
    memory = list(dict.fromkeys(row["vram_gib"] for row in rows if row["vram_gib"]))
    first = rows[0]
    figures = {
        "architecture": _generation(capability),
        "chip": first["chip"],
        "memory_gib": " or ".join(memory),
        "watts": first["tdp_watts"] if len({row["tdp_watts"] for row in rows}) == 1 else "",
        "bandwidth_gb_s": first["bandwidth_gb_s"],
        "launched": first["launch"],
    }
    # One name, several chips: nothing tells them apart but the chip.
    version = f"{model} ({first['chip'].split()[0].split('-')[0]})" if several else model
    return release(
        version,
        names=[] if several else _other_names(model),
        provides={"compute_capability": f"=={capability}"},
        figures={key: value for key, value in figures.items() if value},
        source=sources.of(first),
        of=first["confidence"],
    )


def _model(text: str) -> str:
    name = re.sub(r"\s+", " ", text.replace("Geforce", "GeForce").replace("Nvidia", "NVIDIA"))
    name = name.removeprefix("NVIDIA ").strip()
    if re.match(r"\d{4}\b", name):
        name = f"GeForce RTX {name}"
    return _LAPTOP.sub(" Laptop", name) if _LAPTOP.search(name) else name


def _other_names(model: str) -> list[str]:
    """What else one card is called: `Mobile` is `Laptop`, `(Pascal)` may be left out."""
    found = []
    if "Laptop" in model:
        found += [model.replace("Laptop", "Mobile"), model.replace(" Laptop", "M")]
        if re.search(r"\d Laptop|Ti Laptop", model):
            found.append(model.replace("Laptop", "Laptop GPU"))
    if "PCIe" in model or "SXM" in model:
        found += _memory_sizes(model)
    if model == "H100 SXM":
        found.append("H100 80GB HBM3")
    if model == "Tesla K40":
        found += [f"Tesla K40{letter}" for letter in "cmst"]
    if model == "B200 SXM":
        found.append("B200")
    if model == "TITAN X (Pascal)":
        found += ["NVIDIA TITAN X", "TITAN X Pascal"]
    if model == "GeForce GTX TITAN X (Maxwell)":
        found += ["GeForce GTX TITAN X", "TITAN X Maxwell"]
    return list(dict.fromkeys(found))


def _memory_sizes(model: str) -> list[str]:
    """``Tesla V100-SXM2-16GB`` is the name that nvidia-smi gives it."""
    sizes = {"V100": (16, 32), "P100": (12, 16), "A100": (40, 80), "H100": (80,), "H200": (141,)}
    bare = re.sub(r"\s\d+GB$", "", model)
    family = next((name for name in sizes if name in model), None)
    if family is None:
        return []
    kept = [size for size in sizes[family] if bare == model or f"{size}GB" in model]
    found = [f"{bare} {size}GB" for size in kept]
    if "PCIe" in model and "80GB" not in model:
        # Who says no more than the family means the card that fits every machine.
        short = bare.replace(" PCIe", "")
        found += [short, *(f"{short} {size}GB" for size in kept)]
    if family == "H200":
        found.append("H200")
    return found


def _plain(name: str) -> str:
    words = re.findall(r"[a-z]+|\d+", name.lower())
    drop = ("geforce", "nvidia", "tesla", "quadro", "gb")
    return "".join(word for word in words if word not in drop)


def _generation(capability: str) -> str:
    return _GENERATIONS.get(capability) or _GENERATIONS.get(capability.split(".")[0], "")


def cpu(facts: Path, sources: Sources) -> Iterator[str]:
    for row in read(facts, "cpus"):
        name = row["cpu"]
        figures = {
            "cores": row["cores"],
            "threads": row["threads"],
            "pcie_lanes": row["cpu_pcie_lanes"],
            "pcie": row["pcie_gen"],
            "watts": row["tdp_watts"],
            "base_ghz": row["base_ghz"],
            "codename": row["codename"],
            "launched": row["release_date"],
        }
        # Intel's Core since Sandy Bridge, AMD's since Bulldozer; Pentium and Celeron from 2020 on.
        avx = "no" if re.search(r"Pentium|Celeron", name) else "yes"
        base = sources.of(row)
        more = more_figures("cpu", name)
        yield release(
            name,
            provides={"avx": avx},
            figures={key: value for key, value in (figures | more.figures).items() if value},
            source=[*dict.fromkeys([*base, "avx", *more.sources])],
            told_by=({"pcie_lanes": ["lanes"]} if "lanes" in base else {}) | {**more.told_by},
            of="medium" if row["confidence"] == "high" else row["confidence"],
        )


def instance(facts: Path, sources: Sources) -> Iterator[str]:
    seen = set()
    for row in read(facts, "cloud_instances"):
        key = (row["provider"], row["instance"])
        if key in seen:
            continue
        seen.add(key)
        figures = {
            "gpu": row["gpu_model"],
            "gpus": row["gpu_count"],
            "memory_gib": row["vram_per_gpu_gib"],
            "vcpus": row["vcpus"],
            "ram_gib": row["ram_gib"],
            "usd_per_hour": row["on_demand_usd_per_hour"],
            "price_scope": row["price_scope"],
            "price_day": row["price_date"],
            "notes": row["notes"],
        }
        if row["gpu_model"] not in _SEVERAL_FORMS:
            figures["card"] = row["gpu_model"]
        more = more_figures("instance", f"{row['provider']} {row['instance']}")
        yield release(
            row["instance"],
            family=row["provider"],
            names=[row["instance"]],
            provides={"compute_capability": f"=={row['compute_capability']}"},
            figures={key: value for key, value in (figures | more.figures).items() if value},
            availability=retirement(f"{row['provider']} {row['instance']}"),
            source=[*dict.fromkeys([*sources.of(row), *more.sources])],
            told_by=more.told_by,
            of=row["confidence"],
        )
