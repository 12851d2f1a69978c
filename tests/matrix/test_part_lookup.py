"""GPUs by the names that people and programs write."""

from __future__ import annotations

import pytest

from rigspec.matrix.loader import load_matrix
from rigspec.matrix.part_lookup import find_other_maker, find_part, find_similar_parts


@pytest.mark.parametrize(
    ("name", "capabilities"),
    [
        ("DGX Spark", ["==12.1"]),
        ("NVIDIA GB10", ["==12.1"]),
        ("GB200", ["==10.0"]),
        ("NVIDIA GH200 480GB", ["==9.0"]),
        ("H20", ["==9.0"]),
        ("NVIDIA L20", ["==8.9"]),
        ("NVIDIA B300 SXM6 AC", ["==10.3"]),
        ("NVIDIA Thor", ["==11.0"]),
        ("NVIDIA GeForce RTX 5090 D", ["==12.0"]),
        ("NVIDIA RTX 6000D", ["==12.0"]),
        ("RTX PRO 6000 Max-Q", ["==12.0"]),
        ("Orin Nano", ["==8.7"]),
        ("Orin", ["==8.7"]),
        ("NVIDIA RTX PRO 6000D Blackwell Workstation Edition", ["==12.0"]),
        ("NVIDIA H800", ["==9.0"]),
        ("NVIDIA H100 80GB HBM3 MIG 2g.20gb", ["==9.0"]),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", ["==8.0"]),
        ("GRID M60-8Q", ["==5.2"]),
        ("GRID T4-16C", ["==7.5"]),
        ("RTX PRO 6000", ["==12.0"]),
        ("PRO 6000", ["==12.0"]),
        ("RTX PRO 5000", ["==12.0"]),
        ("A6000", ["==8.6"]),
        ("A4000", ["==8.6"]),
        ("Jetson AGX Orin", ["==8.7"]),
        ("Volta", ["==7.0", "==7.2"]),
        ("GeForce GTX 1050 Mobile", ["==6.1"]),
    ],
)
def test_find_part_name_as_written_gives_its_capability(name: str, capabilities: list[str]) -> None:
    release = find_part(load_matrix(["gpu"]).product("gpu"), name)
    assert release is not None
    assert list(release.implies[0].alternatives) == capabilities


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("RTX 4909", "GeForce RTX 4090"), ("RTX 3900", "GeForce RTX 3090"), ("H010", "H100 PCIe")],
)
def test_find_similar_parts_swapped_digits_come_first(name: str, nearest: str) -> None:
    product = load_matrix(["gpu"]).product("gpu")
    assert find_part(product, name) is None
    assert find_similar_parts(product, name)[0].version == nearest


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("MI300X", "AMD"),
        ("AMD Instinct MI250", "AMD"),
        ("Radeon RX 7900 XTX", "AMD"),
        ("Arc A770", "Intel"),
        ("Apple M1", "Apple"),
        ("TPU v4", "Google"),
        ("Tesla M4", None),
    ],
)
def test_find_other_maker_names_who_makes_the_part(name: str, maker: str | None) -> None:
    assert find_other_maker(load_matrix(["gpu"]).product("gpu"), name) == maker


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("Standard_NC24ads_A100_v4", "NC24ads A100 v4"),
        ("STANDARD_NC24ADS_A100_V4", "NC24ads A100 v4"),
        ("Standard NC24ads A100 v4", "NC24ads A100 v4"),
        ("azure Standard_NC6s_v3", "NC6s v3"),
        ("Standard_NC6", "NC6"),
        ("Standard_NV6ads_A10_v5", "NV6ads A10 v5"),
        ("azure NV6adsv5", "NV6ads A10 v5"),
        ("azure Standard_ND96asr_v4", "ND96asr A100 v4"),
        ("Standard_NCC40ads_H100_v5", "NCC40ads H100 v5"),
        ("Standard_ND128isr_GB200_v6", "ND128isr NDR GB200 v6"),
        ("ml.g6.xlarge", "g6.xlarge"),
        ("aws ml.p5.48xlarge", "p5.48xlarge"),
        ("g2-standard-4", "g2-standard-4"),
        ("g2-4", None),
        ("g24", None),
    ],
)
def test_find_part_instance_as_clouds_write_it_is_found(name: str, version: str | None) -> None:
    release = find_part(load_matrix(["instance"]).product("instance"), name)
    assert (release.version if release is not None else None) == version
