"""What the five articles say of their machines, worked out anew."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from rigspec.diagnostics.model import Severity
from rigspec.hardware.cost import compute_energy_cost
from rigspec.hardware.machine_context import MachineContext
from rigspec.hardware.multi_gpu import list_container_devices
from rigspec.hardware.pcie import compute_slowdown, divide_lanes
from rigspec.hardware.power import compute_efficiency
from rigspec.matrix.loader import load_matrix
from rigspec.matrix.part_lookup import find_part
from tests.hardware.figures import diagnose, figures, machine, report, rig
from tests.resolve.rigs import check

D = Decimal
GPU = load_matrix(["gpu"]).product("gpu")


def card(name: str, figure: str) -> Decimal:
    release = find_part(GPU, name)
    assert release is not None
    return D(release.get(figure) or "nan")


def watts(name: str, *changes: tuple[str, str]) -> tuple[str | None, str | None, str | None]:
    power = figures(rig(name, *changes)).power
    assert power is not None
    found = (power.idle, power.full, power.headroom)
    idle, full, headroom = (figure.number if figure is not None else None for figure in found)
    return idle, full, headroom


# The first rig: a quiet workstation with two GTX 1080.


def test_the_first_rigs_ddr3_does_not_fit_its_board() -> None:
    found = report(rig("submarine"))
    (error,) = [d for d in found.diagnostics if d.severity is Severity.ERROR]
    assert error.code == "RS102"
    assert error.message == (
        "DDR3 modules do not fit: the Asus X99-M WS and the Intel Core i7-5820K support DDR4"
    )
    assert {source.title.partition(",")[0] for f in error.facts for source in f.sources} == {
        "AnandTech",
        "HEXUS",
    }
    assert found.status == "conflict"
    assert found.resolution is not None  # what is installed does not depend on the modules
    assert "RS102" not in diagnose(rig("submarine", ('"DDR3"', '"DDR4"')))


def test_the_first_rig_has_memory_and_threads_for_two_cards_and_28_lanes() -> None:
    found = figures(rig("submarine"))
    assert str(found.ram) == "64 GiB"  # ">=64 GB of RAM"
    assert str(found.vram) == "16 GiB"
    assert found.lanes is not None
    assert found.lanes.widths == (16, 8)
    assert not {"RS104", "RS110", "RS111"} & diagnose(rig("submarine")).keys()


def test_two_gtx_1080_are_more_than_one_titan_x_for_as_much() -> None:
    assert 2 * card("GTX 1080", "fp32_tflops") > card("TITAN X (Pascal)", "fp32_tflops")
    assert 2 * card("GTX 1080", "launch_price_usd") == 1198
    assert card("TITAN X (Pascal)", "launch_price_usd") == 1199
    assert card("GTX 1080", "memory_gib") < card("TITAN X (Pascal)", "memory_gib")


# The second: a server for two users, with two GTX 1080 Ti.


def test_the_second_rig_takes_four_cards_and_twice_the_memory() -> None:
    found = figures(rig("dl-server"))
    assert found.lanes is not None
    assert found.lanes.of_cpu is not None
    assert found.lanes.of_cpu.number == "64"
    assert divide_lanes(4, (), 64) == (16, 16, 16, 16)  # "8 or 16": they get 16
    more = (('size = "32 GB"', 'size = "64 GB"'), ("modules = 2 }", "modules = 4 }"))
    assert "RS103" not in diagnose(rig("dl-server", *more))
    assert "RS103" in diagnose(rig("dl-server", ('size = "32 GB"', 'size = "256 GB"')))


def test_the_second_rigs_parts_with_a_source_make_680_of_its_824_watts() -> None:
    _, full, headroom = watts("dl-server")
    assert (full, headroom) == ("680", "320")
    note = diagnose(rig("dl-server"))["RS109"].message
    assert "power of board, memory, ssd of 256 GB, hdd of 2 TB" in note


def test_one_of_its_cards_is_faster_than_the_gpu_of_a_p2() -> None:
    (p2,) = figures(rig("sourced"), "p2").gpus
    assert p2.fp32 is not None
    assert card("GTX 1080 Ti", "fp32_tflops") > 2 * p2.fp32.amount


# The third: less than 1000 USD, in Argentina.


def test_the_third_rig_draws_284_watts_and_leaves_216() -> None:
    assert watts("argentina") == (None, "284", "216")
    lines = {m.name: m.text for m in report(rig("argentina")).metrics}
    assert lines["power"].startswith("284 W of 500 W, 216 W of headroom")


def test_it_draws_314_with_two_more_modules_and_a_disk() -> None:
    more = (
        ("modules = 2, speed = 2400, watts = 10", "modules = 4, speed = 2400, watts = 20"),
        ('size = "16 GB"', 'size = "32 GB"'),
        ("watts = 10 }]", 'watts = 10 }, { size = "1 TB", kind = "hdd", watts = 20 }]'),
    )
    assert watts("argentina", *more)[1:] == ("314", "186")
    assert "RS103" not in diagnose(rig("argentina", *more))


def test_its_430_watt_supply_would_have_been_a_risk() -> None:
    smaller = diagnose(rig("argentina", ("watts = 500", "watts = 430")))
    assert smaller["RS105"].message.startswith("146 W of headroom (284 W of 430 W)")
    assert "RS105" not in diagnose(rig("argentina"))


@pytest.mark.parametrize(
    ("length", "severity"),
    [("210 mm", None), ("300 mm", Severity.NOTE), ("420 mm", Severity.ERROR)],
)
def test_its_card_fits_a_case_that_takes_275_or_414(length: str, severity: Severity | None) -> None:
    found = diagnose(rig("argentina", ("210 mm", length))).get("RS108")
    assert (found.severity if found is not None else None) is severity


@pytest.mark.parametrize(
    ("cards", "room", "severity"),
    [
        ((300, 300), '["310 mm", "250 mm"]', Severity.ERROR),
        ((300, 250), '["310 mm", "250 mm"]', Severity.NOTE),
        ((300, 300), '["310 mm", "310 mm", "250 mm"]', Severity.NOTE),
        ((250, 250, 250), '["310 mm", "250 mm"]', None),
        ((300, 300), '"310 mm"', None),
        ((300, 330), '["310 mm", "250 mm"]', Severity.ERROR),
    ],
)
def test_as_many_long_cards_fit_as_slots_have_room(
    cards: tuple[int, ...], room: str, severity: Severity | None
) -> None:
    rows = ", ".join(f'{{ model = "GTX 1080", length = "{length} mm" }}' for length in cards)
    spec = machine(f'gpus = [{rows}]\ncase = {{ model = "Box", gpu_clearance = {room} }}\n')
    found = [d for d in report(spec).diagnostics if d.code == "RS108"]
    assert (found[0].severity if found else None) is severity
    if cards == (300, 300) and severity is Severity.ERROR:
        output = "2 cards are 300 mm or longer, but the case has room for 1"
        assert found[0].message == output


def test_its_four_threads_feed_two_cards_and_its_board_has_one_slot() -> None:
    found = figures(rig("argentina"))
    assert str(found.threads) == "4 threads"
    slots = ('slots = ["x16"]', 'slots = ["x16", "x16", "x16"]')
    two = ('length = "210 mm"', 'length = "210 mm", count = 2')
    three = ('length = "210 mm"', 'length = "210 mm", count = 3')
    assert "RS110" not in diagnose(rig("argentina", two))
    assert (
        "4 CPU threads for 3 GPUs; at least 6 are recommended"
        in diagnose(rig("argentina", slots, three))["RS110"].message
    )
    assert diagnose(rig("argentina", two))["RS106"].message == "2 cards do not fit in 1 slot"


def test_its_cards_and_their_memory() -> None:
    known = ("GTX 1060 3GB", "GTX 1060 6GB", "GTX 1070", "GTX 1080", "GTX 1080 Ti")
    assert [card(name, "memory_gib") for name in known] == [3, 6, 8, 8, 11]
    found = figures(rig("argentina"))
    assert found.ram is not None
    assert found.vram is not None
    assert found.ram.amount >= found.vram.amount
    assert "RS111" in diagnose(rig("argentina", ('size = "16 GB"', 'size = "4 GB"')))
    assert "RS103" in diagnose(rig("argentina", ('size = "16 GB"', 'size = "128 GB"')))


# The fourth: "Deep Al", for up to four cards.


def test_the_fourth_rig_draws_90_to_416_watts() -> None:
    assert watts("deep-al") == ("90", "416", "584")
    lines = {m.name: m for m in report(rig("deep-al")).metrics}
    assert "90\N{EN DASH}416 W of 1000 W" in lines["power"].text
    assert dict(lines["power"].numbers)["headroom_watts"] == "584"


def test_four_of_its_cards_get_8_lanes_and_more_of_64() -> None:
    found = figures(rig("deep-al", ("watts = 185", "count = 4, watts = 185")))
    assert found.lanes is not None
    assert found.lanes.widths == (16, 16, 8, 8)
    assert found.lanes.of_cpu is not None
    assert found.lanes.of_cpu.number == "64"
    assert sum(divide_lanes(4, (8, 8, 8, 8), 64) or ()) == 32
    assert divide_lanes(4, (), 16) == (4, 4, 4, 4)  # an ordinary processor
    assert divide_lanes(4, (), 28) == (8, 8, 8, 4)


def test_bandwidth_of_one_card_with_fewer_lanes() -> None:
    lanes = MachineContext(rig("deep-al"), "tower", load_matrix(["guidance"])).guidance("lanes")
    eight, four = compute_slowdown(lanes, 8), compute_slowdown(lanes, 4)
    assert eight is not None
    assert four is not None
    assert round(eight * 100, 2) == D("0.56")  # the article: 0.55 %
    assert round(four * 100, 2) == D("1.57")  # the article: 1.56 %
    assert compute_slowdown(lanes, 1) is None  # nobody measured it


def test_four_rtx_2070_fit_its_supply_with_nothing_to_spare() -> None:
    four = ("watts = 185", "count = 4, watts = 185")
    assert watts("deep-al", four)[1:] == ("971", "29")
    assert diagnose(rig("deep-al", four))["RS105"].severity is Severity.WARNING


@pytest.mark.parametrize(
    ("cards", "full", "code"), [(2, "681", None), (3, "906", "RS105"), (4, "1131", "RS104")]
)
def test_two_rtx_2080_fit_and_four_do_not(cards: int, full: str, code: str | None) -> None:
    change = (
        'model = "Zotac GeForce RTX 2070", watts = 185',
        f'model = "GeForce RTX 2080", count = {cards}, watts = 225',
    )
    assert watts("deep-al", change)[1] == full
    found = diagnose(rig("deep-al", change))
    assert [c for c in ("RS104", "RS105") if c in found] == ([code] if code else [])


def test_a_month_at_1000_watts_costs_216_euros() -> None:
    month = compute_energy_cost(D(1000), D(720), D("0.30"))
    assert month == 216
    # "Each class is about 3 %: 6.5 euros a month to the next one", platinum beside gold.
    assert round(month * D("0.03"), 2) == D("6.48")


def test_power_cost_includes_loss_of_supply() -> None:
    found = figures(rig("deep-al"))
    assert found.power is not None
    half = compute_efficiency(found.power, D(500))
    assert half is not None
    assert half.amount == D("0.94")
    assert half.sources
    assert compute_efficiency(found.power, D(100)) is None  # no grade promises anything at 10 %
    assert found.cost.monthly is not None
    assert found.cost.monthly.unit == "EUR"
    assert D(89) < found.cost.monthly.amount < D(97)  # 89.86 without losses


def test_16_bits_are_fast_on_its_card_and_slow_on_one_of_the_generation_before() -> None:
    (turing,) = figures(rig("deep-al")).gpus
    (pascal,) = figures(rig("argentina")).gpus
    assert turing.tensor_fp16 is not None
    assert turing.fp32 is not None
    assert turing.tensor_fp16.amount / turing.fp32.amount == 8
    assert pascal.tensor_fp16 is None
    assert pascal.fp32 is not None
    assert pascal.fp16 is not None
    assert round(pascal.fp32.amount / pascal.fp16.amount) == 64


def test_its_card_has_8_gib_and_not_16() -> None:
    found = figures(rig("deep-al"))
    assert str(found.vram) == "8 GiB"
    assert str(found.ram) == "16 GiB"
    assert str(found.cost.budget) == "2000 EUR"


# The fifth: a tower for a team, and the cloud beside it.


def test_iommu_off_in_last_rig_is_not_reported() -> None:
    off = '["intel_iommu=off"]'
    assert "RS113" not in diagnose(rig("sourced"), "science-3")
    on = diagnose(rig("sourced", (off, '["intel_iommu=on"]')), "science-3")["RS113"]
    assert on.severity is Severity.WARNING
    assert on.facts[0].sources[0].url.startswith("https://docs.nvidia.com/")
    unset = diagnose(rig("sourced", (f"kernel_args = {off}", "")), "science-3")["RS113"]
    assert unset.severity is Severity.NOTE


@pytest.mark.parametrize(("gpu", "expected"), [("H100 SXM5", False), ("RTX 4090", True)])
def test_iommu_is_reported_of_gpus_that_copy_over_pcie(
    gpu: str, expected: bool, tmp_path: Path
) -> None:
    text = f'[machine.node]\ngpus = [{{ model = "{gpu}", count = 8 }}]\n'
    assert ("RS113" in {d.code for d in check(tmp_path, text).diagnostics}) is expected


@pytest.mark.parametrize("machine", ["gpus", "instance"])
def test_iommu_of_a_cloud_instance_is_not_reported(machine: str, tmp_path: Path) -> None:
    lines = {
        "gpus": 'gpus = [{ model = "L40S", count = 4 }]',
        "instance": 'instance = "g6e.12xlarge"',
    }
    codes = {d.code for d in check(tmp_path, f"[machine.node]\n{lines[machine]}\n").diagnostics}
    assert ("RS113" in codes) is (machine == "gpus")


def test_it_pays_for_itself_within_a_year_under_the_assumptions_of_its_spec() -> None:
    found = figures(rig("sourced"), "science-3").payback
    assert found is not None
    assert round(found.months, 1) == D("9.3")
    assert (str(found.owned), str(found.rented)) == ("108 USD", "648 USD")
    dearest = figures(rig("sourced", ("5000 USD", "6480 USD")), "science-3").payback
    assert dearest is not None
    assert dearest.months == 12
    line = {m.name: m for m in report(rig("sourced"), "science-3").metrics}["pays off"]
    assert "after 9.3 months against p2" in line.text
    assert "purchase price: 5000 USD" in dict(line.numbers)["assumptions"]


def test_a_tower_that_hardly_computes_never_pays_for_itself_in_a_year() -> None:
    seldom = ('hours = 24                               # "constant', 'hours = 2  # "constant')
    found = figures(rig("sourced", seldom), "science-3").payback
    assert found is not None
    assert found.months > 100


def test_its_containers_get_the_devices_of_both_cards() -> None:
    assert list_container_devices([1, 0]) == (
        "/dev/nvidia0",
        "/dev/nvidia1",
        "/dev/nvidiactl",
        "/dev/nvidia-uvm",
    )


def test_cloud_machine_of_last_rig_is_half_a_k80() -> None:
    found = figures(rig("sourced"), "p2")
    (gpu,) = found.gpus
    assert (gpu.model, gpu.count) == ("K80", 1)
    known = (gpu.memory, gpu.bandwidth, gpu.fp64, gpu.fp32)
    assert [str(f) for f in known] == ["12 GiB", "240 GB/s", "1.455 TFLOPS", "4.368 TFLOPS"]
    assert found.instance is not None
    assert found.instance.price_day == "2023-11-16"
    assert str(found.cost.hourly) == "0.9 USD/h"
    assert str(found.threads) == "4 vCPU"
    assert str(found.ram) == "61 GiB"
    assert "RS119" in diagnose(rig("sourced"), "p2")
