"""What the parts of two machines can do, and which releases run on them."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from rigspec.check import check_machine
from rigspec.cli.pipeline import matrix_for
from rigspec.compare.hardware import compared_hardware
from rigspec.compare.model import Admission, Comparison, Row
from rigspec.compare.render.html import render_html
from rigspec.compare.render.text import render_text
from rigspec.hardware.machine_specs import machine_figures
from rigspec.spec.loader import parse_spec
from tests.compare.comparisons import LAB, comparison

D = Decimal


def row(comparison: Comparison, of: str, key: str) -> Row:
    return next(r for r in comparison.hardware.rows if (r.of, r.key) == (of, key))


def product(comparison: Comparison, name: str) -> Admission:
    return next(a for a in comparison.runs.admissions if a.product == name)


def test_a_gtx_1080_ti_beside_a_v100(lab: Comparison) -> None:
    memory = row(lab, "one GPU", "memory")
    assert (str(memory.a), str(memory.b)) == ("11 GiB", "16 GiB")
    assert memory.ratio == D(16) / D(11)
    both = row(lab, "all GPUs", "memory")
    assert (str(both.a), str(both.b)) == ("22 GiB", "16 GiB")
    fp32 = row(lab, "all GPUs", "fp32")
    assert fp32.a is not None
    assert fp32.a.amount == 2 * D("11.3397")
    assert fp32.a.sources
    assert str(row(lab, "the machine", "threads").b) == "8 threads"
    assert str(row(lab, "the machine", "storage").a) == "2256 GB"


def test_what_nobody_tells_is_blank_and_has_no_ratio(lab: Comparison) -> None:
    for key in ("tensor_tf32", "tensor_bf16", "tensor_int8"):
        assert not row(lab, "one GPU", key).known
    tensor = row(lab, "one GPU", "tensor_fp16")
    assert tensor.a is None
    assert tensor.b is not None
    assert tensor.ratio is None


def test_a_card_of_the_specs_own_has_the_figures_of_the_spec(sourced: Comparison) -> None:
    assert row(sourced, "one GPU", "fp32").a is None
    assert str(row(sourced, "one GPU", "fp32").b) == "4.368 TFLOPS"
    assert str(row(sourced, "the machine", "watts").a) == "750 W"
    assert any("knows no card `unnamed`" in note for note in sourced.hardware.notes)


def test_a_rented_card_of_several_forms_is_not_called_unknown() -> None:
    text = PART.replace("azure NV6adsv5", "gcp a2-highgpu-1g")
    spec = parse_spec("rented.toml", text)
    sides = [machine_figures(spec, name, matrix_for(spec, name)) for name in ("a", "b")]
    a, b = spec.rig.machine["a"], spec.rig.machine["b"]
    (note, _) = compared_hardware((a, b), sides[0], sides[1]).notes
    assert note == (
        "`A100` is sold in several forms, and gcp does not say which b has: what they differ in "
        "is blank"
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


def test_a_part_of_a_gpu_is_told_as_a_fraction() -> None:
    found = comparison(parse_spec("part.toml", PART), "a", "b")
    assert found.b.title == "azure NV6adsv5, 1/6 \N{MULTIPLICATION SIGN} A10"
    for key in ("memory", "bandwidth", "fp32", "tensor_fp16"):
        ratio = row(found, "one GPU", key).ratio
        assert ratio is not None
        assert round(ratio * 6, 3) == 1, key
        assert row(found, "all GPUs", key).ratio == ratio
    text = render_text(found)
    assert re.search(r"GPUs +1 +1/6 ", text)
    assert "one b (1/6 GPU) does the work of one a (1 GPU)" in " ".join(text.split())
    assert "b has 1/6 of a GPU: its figures are 1/6 of the card's" in text
    assert "0.1666" not in text + render_html(found)


@pytest.mark.parametrize(
    ("name", "release", "reason"),
    [
        ("driver", "470.256.02", None),
        ("driver", "535.86.10", "470 is the last driver branch for Kepler"),
        ("torch", "2.1.0", "none of it runs on sm_37"),
        ("tensorflow", "tensorflow 2.15.0", "none of it runs on sm_37"),
        ("jax", "0.7.0", "compute capability 5.2 or newer: sm_37 is older"),
    ],
)
def test_what_a_k80_refuses_has_one_reason_with_its_source(
    sourced: Comparison, name: str, release: str, reason: str | None
) -> None:
    groups = [g for g in product(sourced, name).only_a if release in g.releases]
    if reason is None:
        assert not groups
        return
    (group,) = groups
    assert reason in group.reason.statement
    assert group.reason.sources
    assert group.facts


def test_an_older_system_is_a_reason_too(lab: Comparison) -> None:
    (group,) = product(lab, "jax").only_b
    assert "glibc 2.27" in group.reason.statement
    assert not product(lab, "jax").only_a
    assert not product(lab, "keras").differs


def test_the_releases_are_those_that_check_admits(lab: Comparison) -> None:
    """The comparison has no rules of its own: a rig with just that release says the same."""
    for name, family in (("tensorflow", "tensorflow"), ("torch", "torch")):
        found = product(lab, name)
        for side, machine in ((found.a, "tower"), (found.b, "cloud")):
            assert side.newest is not None
            assert _checks(machine, family, side.newest.rpartition(" ")[2])
    (group,) = product(lab, "tensorflow").only_b
    version = group.releases[0].rpartition(" ")[2]
    assert _checks("cloud", "tensorflow", version)
    assert not _checks("tower", "tensorflow", version)


def _checks(machine: str, framework: str, version: str) -> bool:
    head = LAB.read_text(encoding="utf-8").partition("[cuda]")[0]
    env = f'interpreter = "pyenv"\nframeworks = {{ {framework} = "=={version}" }}\n'
    spec = parse_spec("one.toml", f"{head}[env.one]\n{env}")
    found = check_machine(spec, machine, matrix_for(spec, machine), repairs=False)
    return found.resolution is not None


def test_what_the_gpus_can_do_is_told_where_it_is_known(lab: Comparison) -> None:
    told = {words.key: (words.a, words.b) for words in lab.runs.features}
    assert told["tensor_cores"][1] == "yes"
    assert told["fp16_rate"] == ("1/64", "2")
    assert told["fp64_rate"] == ("1/32", "1/2")


def test_what_check_says_of_one_machine_is_said_here(sourced: Comparison) -> None:
    (caveat,) = [c for c in sourced.runs.caveats if c.diagnostic.code == "RS119"]
    assert caveat.machine == "p2"
    assert "470 is the last driver branch" in caveat.diagnostic.message
