"""`rigspec matrix show`: a release by any name that a spec may give it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize(
    ("product", "requested", "shown", "left_out"),
    [
        ("gpu", "RTX 3090", "  GeForce RTX 3090\n", "RTX 3080"),
        ("gpu", "1080ti", "  GeForce GTX 1080 Ti\n", "GTX 1080\n"),
        ("gpu", "GT 630", "GeForce GT 630 (GK107)\n", "GT 640"),
        ("instance", "p2.xlarge", "  aws p2.xlarge\n", "p3."),
        ("torch", "2.1", "  2.1.2+cu121\n", "  2.2.0+"),
        ("driver", "470", "  470.256.02\n", "  535."),
        ("cuda", "9.0.176", "  9.0.176\n", "  9.1.85\n"),
        ("os", "ubuntu >=22.04", "  ubuntu 24.04\n", "  ubuntu 20.04\n"),
        ("vllm", "0.9", "  0.9.2\n", "  0.10.0\n"),
        ("package:flash_attn", "2.8.3", "  2.8.3\n", "  2.8.2\n"),
    ],
)
def test_matrix_show_lists_matching_releases_only(
    product: str, requested: str, shown: str, left_out: str, rigspec: Rigspec
) -> None:
    done = rigspec("matrix", "show", product, requested)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
    releases = "\n".join(
        line for line in done.stdout.splitlines() if line.startswith("  ") and line[2:3] != " "
    )
    assert left_out not in releases + "\n"


def test_matrix_show_lists_the_rules_of_a_series(rigspec: Rigspec) -> None:
    assert "  torch-2." in rigspec("matrix", "show", "torch", "2.1").stdout


@pytest.mark.parametrize(
    ("product", "requested", "hint"),
    [
        ("gpu", "RTX 3091", "did you mean `GeForce RTX 3090`"),
        ("gpu", "nonsense", "run `rigspec matrix show gpu`"),
        ("torch", "99", "run `rigspec matrix show torch`"),
        ("python", "3.6.51", "did you mean `3.6.15`"),
    ],
)
def test_matrix_show_unknown_release_is_an_error(
    product: str, requested: str, hint: str, rigspec: Rigspec
) -> None:
    done = rigspec("matrix", "show", product, requested)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"no {product} `{requested}` in the matrix" in done.stderr
    assert hint in done.stderr


def test_matrix_show_counts_the_listed_releases_of_a_package(rigspec: Rigspec) -> None:
    done = rigspec("matrix", "show", "vllm")
    assert " releases on the package index: 0.0.1 to " in done.stdout
    assert "its releases, read 20" in done.stdout


def test_matrix_show_misspelt_package_suggests_it(rigspec: Rigspec) -> None:
    done = rigspec("matrix", "show", "vlllm")
    assert done.returncode == 2
    assert "`vllm`" in done.stderr
