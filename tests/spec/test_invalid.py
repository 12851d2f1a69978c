"""Invalid specs and their diagnostics."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE / "invalid").glob("*.toml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_invalid_spec_prints_expected_diagnostics(
    example: Path,
    rigspec: Callable[..., subprocess.CompletedProcess[str]],
    golden: Callable[[Path, str], None],
) -> None:
    done = rigspec("check", example.name, cwd=example.parent)

    assert done.returncode == 2
    assert done.stdout == ""
    golden(example.with_suffix(".txt"), done.stderr)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_invalid_spec_does_not_print_secret(
    example: Path, rigspec: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    for form in ("text", "json", "github"):
        done = rigspec("check", example.name, "--format", form, cwd=example.parent)
        assert "hunter2" not in done.stdout + done.stderr
        assert "ghp_" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"\xff\xfe", "not UTF-8"),
        (b'\xef\xbb\xbfrig = 1\nname = "x"\n', "byte order mark"),
    ],
)
def test_unreadable_spec_prints_error(
    content: bytes | None,
    words: str,
    tmp_path: Path,
    rigspec: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    spec = tmp_path / "rig.toml"
    if content is not None:
        spec.write_bytes(content)
    done = rigspec("check", str(spec))

    assert done.returncode == 2
    assert "RS010" in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
