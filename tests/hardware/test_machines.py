"""Machines that no article has: what is checked, what is said to be unknown."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from decimal import Decimal

import pytest

from rigspec.diagnostics.model import Severity
from rigspec.diagnostics.serialization import parse_reports, serialize_reports
from rigspec.hardware.power import compute_efficiency
from rigspec.matrix.loader import load_matrix
from rigspec.matrix.part_lookup import find_part
from rigspec.spec.loader import InvalidSpec, compute_spec_digest
from tests.hardware.figures import diagnose, figures, machine, report, rig

D = Decimal


def test_machine_without_parts_has_no_diagnostics() -> None:
    assert diagnose(machine("")) == {}
    assert report(machine("")).metrics == ()


def test_unknown_values_are_reported_as_unchecked() -> None:
    spec = machine(
        'cpu = "Some CPU 9000"\nmotherboard = { model = "Board" }\npsu = { watts = 500 }\n'
        'memory = { size = "8 GB", type = "DDR9" }\ncase = { model = "Box" }\n'
        'gpus = [{ model = "GTX 1070" }]\n'
    )
    note = diagnose(spec)["RS109"]
    assert note.severity is Severity.NOTE
    for unknown in ("slots", "lanes", "memory type", "case", "power of processor, board"):
        assert unknown in note.message
    found = figures(spec)
    assert found.threads is None
    assert found.lanes is not None
    assert found.lanes.widths is None
    assert found.cost.monthly is None


def test_unknown_part_is_described_by_spec() -> None:
    spec = machine(
        'cpu = { model = "X", threads = 8, pcie_lanes = 20, memory = "DDR5", watts = 65 }\n'
        'motherboard = { model = "B", memory = "DDR5", slots = ["x16"], watts = 40 }\n'
        'memory = { size = "32 GB", type = "DDR5", watts = 10 }\npsu = { watts = 600 }\n'
        'gpus = [{ model = "Own", compute_capability = "8.6", memory = "12 GiB", watts = 200, '
        'length = "250 mm" }]\ncase = { model = "C", gpu_clearance = "300 mm" }\n'
    )
    assert "RS109" not in diagnose(spec)
    found = figures(spec)
    assert found.power is not None
    assert (str(found.power.full), str(found.power.headroom)) == ("315 W", "285 W")
    assert str(found.vram) == "12 GiB"
    assert found.gpus[0].fp32 is None  # nobody tells


@pytest.mark.parametrize(
    ("board", "cpu", "module"),
    [
        ("ddr4", "DDR4", "DDR4"),
        ("DDR4 or DDR5", "DDR5", "ddr5"),
        ("DDR4", "DDR3, DDR4", "DDR4"),
        ("DDR3/DDR4", "DDR4 and DDR5", "DDR4-2400 ECC"),
    ],
)
def test_memory_modules_that_fit_are_admitted_in_every_notation(
    board: str, cpu: str, module: str
) -> None:
    text = (
        f'motherboard = {{ model = "B", memory = "{board}", memory_max = "64 GB" }}\n'
        f'cpu = {{ model = "X", memory = "{cpu}" }}\n'
        f'memory = {{ size = "64 GiB", type = "{module}" }}\n'
    )
    assert not {"RS102", "RS103"} & diagnose(machine(text)).keys()
    assert "RS102" in diagnose(machine(text.replace(f'type = "{module}"', 'type = "DDR2"')))
    assert "RS103" in diagnose(machine(text.replace("64 GiB", "65 GiB")))


def test_memory_in_gb_is_read_as_gib() -> None:
    text = (
        'gpus = [{ model = "Own", count = 2, compute_capability = "8.6", memory = "24 GB" }]\n'
        'memory = { size = "48 GB" }\n'
    )
    found = figures(machine(text))
    assert (str(found.gpus[0].memory), str(found.vram), str(found.ram)) == (
        "24 GiB",
        "48 GiB",
        "48 GiB",
    )
    assert "RS111" not in diagnose(machine(text))
    less = diagnose(machine(text.replace('"24 GB"', '"25000 MB"')))["RS111"]
    assert (
        less.message == "48 GiB of system memory for 48.8281 GiB of GPU memory may be a bottleneck"
    )


def test_pcie_lanes_do_not_depend_on_slot_order() -> None:
    text = (
        'cpu = {{ model = "X", threads = 8, pcie_lanes = 24 }}\n'
        'gpus = [{{ model = "GTX 1070", count = 2 }}]\n'
        'motherboard = {{ model = "B", slots = [{}] }}\n'
    )
    orders = ('"x16", "x16", "x8"', '"x16", "x8", "x16"', '"x8", "x16", "x16"')
    notes = [diagnose(machine(text.format(order)))["RS107"] for order in orders]
    assert len({(note.severity, note.message) for note in notes}) == 1


@pytest.mark.parametrize(
    ("grade", "volts", "load", "percent"),
    [
        ("80+", "", 500, "0.80"),
        ("80+ gold", "", 200, "0.87"),
        ("80+ gold", "", 500, "0.90"),
        ("80+ gold", "", 1000, "0.87"),
        ("80 PLUS Gold", ", mains_volts = 230", 500, "0.92"),
        ("80 Plus Titanium certified", "", 350, "0.93"),
        ("80+ platinum", "", 1000, "0.89"),
    ],
)
def test_psu_efficiency_follows_its_grade(grade: str, volts: str, load: int, percent: str) -> None:
    spec = machine(
        f'cpu = "AMD EPYC 7302"\npsu = {{ watts = 1000, efficiency = "{grade}"{volts} }}'
    )
    power = figures(spec).power
    assert power is not None
    found = compute_efficiency(power, D(load))
    assert found is not None
    assert found.amount == D(percent)


def test_half_precision_on_pascal_is_a_warning() -> None:
    text = (
        'gpus = [{{ model = "{}" }}]\n[env.lab]\npython = "3.6"\ninterpreter = "conda"\n'
        'frameworks = {{ keras = "2.2.4", tensorflow = "1.13.1" }}\n'
        '[env.lab.config.keras]\nbackend = "tensorflow"\nfloatx = "float16"\n'
    )
    slow = diagnose(machine(text.format("GTX 1080 Ti")))["RS115"]
    assert "1/64" in slow.message
    assert slow.facts[0].sources
    assert "RS115" not in diagnose(machine(text.format("RTX 2080 Ti")))
    assert "RS115" not in diagnose(
        machine(text.format("GTX 1080 Ti").replace("float16", "float32"))
    )


def test_half_precision_of_t4_excludes_tensor_cores() -> None:
    (gpu,) = figures(machine('gpus = [{ model = "T4" }]')).gpus
    performance = [str(figure) for figure in (gpu.fp32, gpu.fp16, gpu.tensor_fp16)]
    assert performance == ["8.1 TFLOPS", "16.2 TFLOPS", "64.8 TFLOPS"]


def test_cards_without_peer_access_are_reported() -> None:
    assert (
        "NVLink"
        in diagnose(machine('gpus = [{ model = "RTX 2080 Ti", count = 2 }]'))["RS114"].message
    )
    assert "RS114" not in diagnose(machine('gpus = [{ model = "RTX 2080 Ti" }]'))
    assert "RS114" not in diagnose(machine('gpus = [{ model = "GTX 1080", count = 2 }]'))


def test_gpu_of_two_users_is_a_note_and_missing_gpu_an_error() -> None:
    users = "[user.alice]\ngpus = [0]\n[user.bob]\ngpus = [{}]\n"
    text = 'gpus = [{ model = "GTX 1080", count = 2 }]\nkernel_args = ["iommu=pt"]\n'
    shared = diagnose(machine(text + users.format("0, 1")))["RS116"]
    assert shared.message.startswith("GPU 0 is shared by alice and bob")
    assert "/dev/nvidia0" in shared.help[0]
    assert "RS116" not in diagnose(machine(text + users.format("1")))
    found = report(machine(text + users.format("2")))
    (error,) = [d for d in found.diagnostics if d.severity is Severity.ERROR]
    assert (error.code, error.message) == (
        "RS008",
        "no GPU 2 on tower, which has 2 (counted from 0)",
    )
    assert found.resolution is None


BOB = "\n[user.bob]\ngpus = [{}]\n"
K80 = 'gpus = [{ model = "Tesla K80" }]'
SIXTH = 'kind = "cloud"\ninstance = "azure NV6adsv5"'
SECOND_MACHINE = '\n[machine.{}]\nos = "ubuntu 16.04"\n'


@pytest.mark.parametrize(
    ("text", "gpu", "message"),
    [
        (K80, 1, None),
        (K80, 2, "no GPU 2 on tower, which has 2 (counted from 0)"),
        (SIXTH, 0, None),
        (SIXTH, 1, "no GPU 1 on tower, which has 1 (counted from 0)"),
        ('gpus = [{ model = "GTX 1080", count = 2 }, { model = "GTX 1070" }]', 2, None),
        (
            'gpus = [{ model = "GTX 1080" }]' + SECOND_MACHINE.format("b") + SIXTH,
            7,
            "no GPU 7 on tower, which has 1",
        ),
        (
            'gpus = [{ model = "GTX 1080" }]' + SECOND_MACHINE.format("b") + K80,
            1,
            "bob can use it on b only",
        ),
        (
            'gpus = [{ model = "GTX 1080" }]' + SECOND_MACHINE.format("b"),
            1,
            "no GPU 1 on tower, which has 1",
        ),
        ("", 7, None),
    ],
)
def test_gpus_of_user_are_counted_per_machine(text: str, gpu: int, message: str | None) -> None:
    found = report(machine(text + BOB.format(gpu)))
    (heard,) = [d for d in found.diagnostics if d.code == "RS008"] or [None]
    assert (heard is None) == (message is None)
    if heard is not None and message is not None:
        assert message in heard.message
        assert (heard.severity is Severity.WARNING) == ("only" in message)


@pytest.mark.parametrize(
    ("instance", "code", "severity"),
    [
        ("azure NC6s v3", "RS117", Severity.WARNING),
        ("aws p3.2xlarge", "RS119", Severity.NOTE),
    ],
)
def test_cloud_instance_problems_are_reported(instance: str, code: str, severity: Severity) -> None:
    found = diagnose(machine(f'kind = "cloud"\ninstance = "{instance}"'))[code]
    assert found.severity is severity
    assert found.facts[0].sources


@pytest.mark.parametrize("part", ['instance = "aws g5g.xlarge"', 'gpus = ["GH200 480GB"]'])
def test_part_of_another_architecture_than_declared_is_an_error(part: str) -> None:
    found = diagnose(machine(f'arch = "x86_64"\n{part}'))["RS118"]
    assert found.severity is Severity.ERROR
    assert "aarch64" in found.message
    assert found.facts[0].sources


@pytest.mark.parametrize("arch", ["", 'arch = "aarch64"\n'])
def test_part_of_the_declared_architecture_is_no_error(arch: str) -> None:
    assert "RS118" not in diagnose(machine(f'{arch}instance = "aws g5g.xlarge"'))


def test_gpu_with_variants_has_values_of_rented_variant() -> None:
    sxm = figures(machine('kind = "cloud"\ninstance = "aws p3.2xlarge"')).gpus[0]
    assert str(sxm.fp64) == "7.8 TFLOPS"
    unknown = figures(machine('kind = "cloud"\ninstance = "azure NC24s v2"')).gpus[0]
    assert unknown.fp32 is None
    assert (str(unknown.memory), unknown.count) == ("16 GiB", 4)


def test_part_of_gpu_has_share_of_its_values() -> None:
    found = figures(machine('kind = "cloud"\ninstance = "azure NV6adsv5"'))
    (part,), (whole,) = found.gpus, figures(machine('gpus = [{ model = "A10" }]')).gpus
    assert (str(part.memory), str(found.vram)) == ("4 GiB", "4 GiB")
    assert str(part.bandwidth) == "100 GB/s"
    rates = ("fp64", "fp32", "fp16", "tensor_fp16")
    for a, b in [(getattr(part, name), getattr(whole, name)) for name in rates]:
        assert round(a.amount * 6 / b.amount, 3) == 1
        assert (a.note, set(b.sources) <= set(a.sources)) == ("1/6 of the GPU's", True)


def test_cloud_instances_have_hardware_values() -> None:
    releases = load_matrix(["instance"]).product("instance").releases
    assert len(releases) > 120
    for release in releases:
        found = figures(machine(f'kind = "cloud"\ninstance = "{release.label}"'))
        assert found.instance is not None, release.label
        assert found.threads is not None
        assert found.ram is not None
        assert found.gpus[0].compute_capability
        assert (found.instance.price is None) or found.instance.price_day


def test_cloud_instances_have_the_card_that_they_name() -> None:
    matrix = load_matrix(["gpu", "instance"])
    for release in matrix.product("instance").releases:
        if (name := release.get("card")) is None:
            continue
        card = find_part(matrix.product("gpu"), name)
        assert card is not None, release.label
        assert release.implies[0].alternatives == card.implies[0].alternatives, release.label
        assert release.get("arch") == card.get("arch") or card.get("arch") is None, release.label


@pytest.mark.parametrize(
    ("instance", "count", "memory", "vram"),
    [
        ("aws p5.4xlarge", "1", "80 GiB", "80 GiB"),
        ("aws p5en.48xlarge", "8", "141 GiB", "1128 GiB"),
        ("aws p6-b200.48xlarge", "8", "179 GiB", "1432 GiB"),
        ("aws p6-b300.48xlarge", "8", "268 GiB", "2144 GiB"),
        ("aws p6e-gb200.36xlarge", "4", "185 GiB", "740 GiB"),
        ("aws g6f.large", "0.125", "3 GiB", "3 GiB"),
        ("aws gr6f.4xlarge", "0.5", "12 GiB", "12 GiB"),
        ("aws g7.12xlarge", "2", "32 GiB", "64 GiB"),
        ("aws g7e.48xlarge", "8", "96 GiB", "768 GiB"),
        ("Standard_NC80adis_H100_v5", "2", "94 GiB", "188 GiB"),
        ("azure Standard_ND96isr_H200_v5", "8", "141 GiB", "1128 GiB"),
        ("Standard_ND128isr_NDR_GB200_v6", "4", "186 GiB", "744 GiB"),
        ("Standard_ND128isr_GB300_v6", "4", "288 GiB", "1152 GiB"),
        ("Standard_NC256lds_xl_RTXPRO6000BSE_v6", "2", "96 GiB", "192 GiB"),
        ("gcp a3-ultragpu-8g", "8", "141 GiB", "1128 GiB"),
        ("gcp a4-highgpu-8g", "8", "180 GiB", "1440 GiB"),
        ("gcp a4x-highgpu-4g", "4", "186 GiB", "744 GiB"),
        ("gcp a4x-maxgpu-4g-metal", "4", "279 GiB", "1116 GiB"),
        ("gcp g4-standard-6", "0.125", "12 GiB", "12 GiB"),
        ("gcp g4-standard-384", "8", "96 GiB", "768 GiB"),
    ],
)
def test_cloud_instance_has_the_memory_of_its_gpus(
    instance: str, count: str, memory: str, vram: str
) -> None:
    found = figures(machine(f'kind = "cloud"\ninstance = "{instance}"'))
    (gpu,) = found.gpus
    assert (f"{gpu.count}", str(gpu.memory), str(found.vram)) == (count, memory, vram)


def test_matrix_hardware_values_have_sources() -> None:
    found = figures(rig("deep-al"))
    (gpu,) = found.gpus
    assert found.lanes is not None
    assert found.cost.monthly is not None
    for figure in (gpu.memory, gpu.bandwidth, gpu.fp32, gpu.fp16, gpu.tensor_fp16):
        assert figure is not None
        assert figure.origin == "matrix"
        assert all(source.url and source.read for source in figure.sources)
    assert found.lanes.of_cpu is not None
    assert "PC Perspective" in found.lanes.of_cpu.sources[0].title
    assert gpu.watts is not None
    assert gpu.watts.origin == "spec"


def test_processor_with_values_in_spec_keeps_matrix_features() -> None:
    rows = (
        'cpu = "Intel Pentium G4560"',
        'cpu = { model = "Intel Pentium G4560", idle_watts = 5 }',
    )
    plain, with_figures = report(rig("argentina")), report(rig("argentina", rows))
    assert with_figures.resolution == plain.resolution


def test_lock_does_not_depend_on_hardware_and_cost() -> None:
    plain = rig("deep-al").rig
    changed = rig(
        "deep-al",
        ('"80+ platinum"', '"80+ gold"'),
        ("0.30 EUR", "0.40 EUR"),
        (", idle_watts = 22", ", watts = 170"),
        ("hours = 24", "hours = 8"),
    ).rig
    assert compute_spec_digest(plain) == compute_spec_digest(changed)
    assert compute_spec_digest(plain) != compute_spec_digest(
        rig("deep-al", ("RTX 2070", "RTX 2080")).rig
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hours = 25", "24"),
        ("idle_hours = 20\nhours = 20", "because the machine computes 20 of 24 hours"),
        ('against = "nowhere"', "no other machine"),
        ('against = "tower"', "no other machine"),
        ('motherboard = { model = "B", slots = ["wide"] }', "x16"),
        ('budget = "lots"', "3000 USD"),
        ('case = { model = "C", gpu_clearance = [] }', "must not be empty"),
    ],
)
def test_hardware_value_that_is_invalid_is_an_error_at_its_line(text: str, words: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        machine(text)
    first = error.value.diagnostics[0]
    assert words in first.message + " ".join(first.help)
    assert first.spans[0].line == 5


def test_hardware_values_are_in_every_format_and_cached(
    rigspec: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = rigspec("check", "specs/deep-al.toml", "--format", "json")
    power = json.loads(done.stdout)["results"][0]["hardware"]["power"]
    assert (power["idle_watts"], power["full_watts"]) == ("90", "416")
    done = rigspec("check", "specs/submarine.toml", "--format", "sarif")
    run = json.loads(done.stdout)["runs"][0]
    assert done.returncode == 1
    assert run["properties"]["hardware"][0]["measures"]["lanes"]["cpu_lanes"] == "28"
    assert "RS102" in {result["ruleId"] for result in run["results"]}
    once = report(rig("deep-al"))
    assert parse_reports(serialize_reports([once])) == [once]
