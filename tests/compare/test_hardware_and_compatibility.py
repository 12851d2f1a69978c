"""Compare hardware and compatibility of two machines."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from rigspec.check import check_machine
from rigspec.compare.hardware import compare_hardware
from rigspec.compare.model import Comparison, ProductSupport, ValueRow
from rigspec.compare.render.html import render_html
from rigspec.compare.render.text import render_text
from rigspec.hardware.machine_specs import build_machine_specs
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec
from tests.compare.comparisons import LAB, compare

D = Decimal


def find_row(comparison: Comparison, of: str, key: str) -> ValueRow:
    return next(r for r in comparison.hardware.rows if (r.of, r.key) == (of, key))


def find_product(comparison: Comparison, name: str) -> ProductSupport:
    return next(a for a in comparison.compatibility.products if a.product == name)


def test_hardware_of_gtx_1080_ti_and_v100_has_values_and_ratio(lab: Comparison) -> None:
    memory = find_row(lab, "one GPU", "memory")
    assert (str(memory.a), str(memory.b)) == ("11 GiB", "16 GiB")
    assert memory.ratio == D(16) / D(11)
    both = find_row(lab, "all GPUs", "memory")
    assert (str(both.a), str(both.b)) == ("22 GiB", "16 GiB")
    fp32 = find_row(lab, "all GPUs", "fp32")
    assert fp32.a is not None
    assert fp32.a.amount == 2 * D("11.3397")
    assert fp32.a.sources
    assert str(find_row(lab, "the machine", "threads").b) == "8 threads"
    assert str(find_row(lab, "the machine", "storage").a) == "2256 GB"


def test_hardware_unknown_value_has_no_ratio(lab: Comparison) -> None:
    for key in ("tensor_tf32", "tensor_bf16", "tensor_int8"):
        assert not find_row(lab, "one GPU", key).is_known
    tensor = find_row(lab, "one GPU", "tensor_fp16")
    assert tensor.a is None
    assert tensor.b is not None
    assert tensor.ratio is None


def test_hardware_unknown_card_uses_values_of_spec(sourced: Comparison) -> None:
    assert find_row(sourced, "one GPU", "fp32").a is None
    assert str(find_row(sourced, "one GPU", "fp32").b) == "4.368 TFLOPS"
    assert str(find_row(sourced, "the machine", "watts").a) == "750 W"
    assert any(
        "`unnamed` of science-3 is not in the matrix" in note for note in sourced.hardware.notes
    )


def test_hardware_rented_card_with_variants_has_note() -> None:
    text = PART.replace("azure NV6adsv5", "azure NC6s v2")
    spec = parse_spec("rented.toml", text)
    sides = [
        build_machine_specs(spec, name, load_required_matrix(spec.rig, name)) for name in ("a", "b")
    ]
    a, b = spec.rig.machine["a"], spec.rig.machine["b"]
    (note, _) = compare_hardware((a, b), sides[0], sides[1]).notes
    assert note == (
        "`P100` has several variants, and azure does not document which one b has; "
        "values that differ are unknown"
    )


PART = """rig = 1
name = "part"
[machine.a]
os = "ubuntu 22.04"
gpus = [{ model = "A10" }]
price = "3000 USD"
electricity = "0.20 USD/kWh"
hours = 8
[machine.b]
os = "ubuntu 22.04"
instance = "azure NV6adsv5"
"""


def test_hardware_part_of_gpu_is_shown_as_fraction() -> None:
    found = compare(parse_spec("part.toml", PART), "a", "b")
    assert found.b.title == "azure NV6adsv5, 1/6 \N{MULTIPLICATION SIGN} A10"
    for key in ("memory", "bandwidth", "fp32", "tensor_fp16"):
        ratio = find_row(found, "one GPU", key).ratio
        assert ratio is not None
        assert round(ratio * 6, 3) == 1, key
        assert find_row(found, "all GPUs", key).ratio == ratio
    text = render_text(found)
    assert re.search(r"GPUs +1 +1/6 ", text)
    assert "one b (1/6 GPU) does the work of one a (1 GPU)" in " ".join(text.split())
    assert "b has 1/6 of a GPU; its values are 1/6 of those of the card" in text
    assert "0.1666" not in text + render_html(found)


def test_hardware_of_tower_and_newest_instance_has_values_and_ratio() -> None:
    spec = parse_spec("newest.toml", PART.replace("azure NV6adsv5", "aws p6-b200.48xlarge"))
    sides = [
        build_machine_specs(spec, name, load_required_matrix(spec.rig, name)) for name in ("a", "b")
    ]
    a, b = spec.rig.machine["a"], spec.rig.machine["b"]
    found = compare_hardware((a, b), sides[0], sides[1])
    rows = {(row.of, row.key): row for row in found.rows}
    memory, fp32 = rows["all GPUs", "memory"], rows["one GPU", "fp32"]
    assert (str(memory.a), str(memory.b), round(memory.ratio or 0)) == ("24 GiB", "1432 GiB", 60)
    assert str(fp32.b) == "75 TFLOPS"
    assert not any("several variants" in note for note in found.notes)
    assert sides[1].instance is not None
    assert str(sides[1].instance.price) == "113.9328 USD/h"
    assert sides[1].instance.price_day == "2026-01-21"


@pytest.mark.parametrize(
    ("name", "release", "reason"),
    [
        ("driver", "470.256.02", None),
        ("driver", "535.86.10", "470 is the last driver branch for Kepler"),
        ("torch", "2.1.0", None),  # the build for CUDA 11.8 runs
        ("tensorflow", "tensorflow 2.15.0", "none of it runs on sm_37"),
        ("jax", "0.7.0", "compute capability 5.2 or newer: sm_37 is older"),
    ],
)
def test_compatibility_of_k80_has_reason_with_source(
    sourced: Comparison, name: str, release: str, reason: str | None
) -> None:
    groups = [g for g in find_product(sourced, name).only_a if release in g.releases]
    if reason is None:
        assert not groups
        return
    (group,) = groups
    assert reason in group.reason.statement
    assert group.reason.sources
    assert group.facts


def test_compatibility_of_old_system_has_glibc_reason(lab: Comparison) -> None:
    (group,) = find_product(lab, "jax").only_b
    assert "glibc 2.27" in group.reason.statement
    assert not find_product(lab, "jax").only_a
    assert not find_product(lab, "keras").is_different


def test_compatibility_agrees_with_check(lab: Comparison) -> None:
    """The comparison has no rules: `check` of a rig with this release agrees."""
    for name, family in (("tensorflow", "tensorflow"), ("torch", "torch")):
        found = find_product(lab, name)
        for side, machine in ((found.a, "tower"), (found.b, "cloud")):
            assert side.newest is not None
            assert _resolves(machine, family, side.newest.rpartition(" ")[2])
    (group,) = find_product(lab, "tensorflow").only_b
    version = group.releases[0].rpartition(" ")[2]
    assert _resolves("cloud", "tensorflow", version)
    assert not _resolves("tower", "tensorflow", version)


def _resolves(machine: str, framework: str, version: str) -> bool:
    head = LAB.read_text(encoding="utf-8").partition("[cuda]")[0]
    env = f'interpreter = "pyenv"\nframeworks = {{ {framework} = "=={version}" }}\n'
    spec = parse_spec("one.toml", f"{head}[env.one]\n{env}")
    found = check_machine(spec, machine, load_required_matrix(spec.rig, machine), repairs=False)
    return found.resolution is not None


def test_compatibility_lists_known_gpu_features(lab: Comparison) -> None:
    features = {row.key: (row.a, row.b) for row in lab.compatibility.features}
    assert features["tensor_cores"][1] == "yes"
    assert features["fp16_rate"] == ("1/64", "2")
    assert features["fp64_rate"] == ("1/32", "1/2")


def test_compatibility_includes_hardware_diagnostics(sourced: Comparison) -> None:
    (note,) = [c for c in sourced.compatibility.notes if c.diagnostic.code == "RS119"]
    assert note.machine == "p2"
    assert "470 is the last driver branch" in note.diagnostic.message
