"""`lock --verify` compares the files of an index with the checksums that it declares."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lock.http_server import Serve
from tests.lock.python_index import Wheel, serve_index
from tests.lock.tiny_rig import Rigspec

RELEASES = {
    "six": {"1.0": Wheel()},
    "needs-six": {"1.0": Wheel(["six"])},
    "pip": {"24.0": Wheel(), "26.3": Wheel()},
    "wheel": {"0.42.0": Wheel()},
    **{tool: {"70.0": Wheel()} for tool in ("setuptools", "packaging")},
}
SPEC = """
rig = 1
name = "lab"
[env.lab]
python = "3.12"
interpreter = "pyenv"
packages = {{ needs-six = "*" }}
[mirrors]
pypi = "{address}"
"""


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_NO_CACHE", "1")


@pytest.mark.parametrize("damaged", ["", "six-1.0-py3-none-any.whl"])
def test_lock_with_wrong_checksum_of_the_index_is_refused_by_verify(
    damaged: str, serve: Serve, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = tmp_path / "rig.toml"
    address = serve_index(serve, RELEASES, damaged=damaged)
    spec.write_text(SPEC.format(address=address), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock", "--verify")
    if damaged:
        assert done.returncode == 3
        assert "error[RS504]: six-1.0-py3-none-any.whl could not be fetched" in done.stderr
        assert not (tmp_path / "lock").exists()
    else:
        assert done.returncode == 0, done.stderr
        assert re.search(r"verified [3-9] Python files", done.stderr)
