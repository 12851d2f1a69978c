"""`as_of`: what was on the index that day, and nothing that came later."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from packaging.version import Version
from tenacity import retry, stop_after_attempt, wait_exponential
from unearth import PackageFinder

from rigspec.lock.python.engines.select import choose_engines

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

DAY = dt.date(2018, 7, 1)
JSON = "application/vnd.pypi.simple.v1+json"


# A mirror of these times may for a moment send its page without them.
@retry(stop=stop_after_attempt(4), wait=wait_exponential(), reraise=True)
def uploaded(package: str) -> Mapping[str, dt.date]:
    """Return the day of every file of a package by its sha256, as the index states it."""
    index = str(PackageFinder().sources[0]["url"]).rstrip("/")
    request = urllib.request.Request(f"{index}/{package}/", headers={"Accept": JSON})
    with urllib.request.urlopen(request, timeout=60) as answer:
        text, kind = answer.read().decode(), answer.headers["Content-Type"]
    if "json" in kind:
        files = json.loads(text)["files"]
        times = [(f["hashes"]["sha256"], f["upload-time"]) for f in files]
    else:
        # Some mirrors have the times on a page of HTML, where the newer form is requested.
        links = [link for link in re.findall(r"<a [^>]*>", text) if "data-upload-time" in link]
        found = [re.search(r'#sha256=(\w+)".*data-upload-time="([^"]+)"', x) for x in links]
        times = [match.groups() for match in found if match is not None]
    assert times, f"the index states no upload time of {package}"
    return {digest: dt.date.fromisoformat(time[:10]) for digest, time in times}


def pinned(file: Path) -> dict[str, tuple[str, list[str]]]:
    text = file.read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)==(\S+)((?: \\\n +--hash=sha256:\w+)+)", text, re.MULTILINE)
    return {name: (version, re.findall(r"sha256:(\w+)", more)) for name, version, more in found}


@pytest.mark.parametrize(
    ("python", "os", "interpreter"),
    [
        ("2.7", "ubuntu 16.04", "system"),
        ("3.5", "ubuntu 16.04", "system"),
        ("3.6", "ubuntu 18.04", "system"),
    ],
)
@pytest.mark.e2e(minutes=1)
def test_as_of_has_no_later_uploads(
    python: str, os: str, interpreter: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(
        f'rig = 1\nname = "rig"\n[machine.box]\nos = "{os}"\n[env.lab]\npython = "{python}"\n'
        f'interpreter = "{interpreter}"\nas_of = {DAY}\n'
        'frameworks = { tensorflow = "1.8", keras = "*" }\npackages = { pandas = "*" }\n'
    )
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    packages = pinned(tmp_path / "lock" / "box" / "lab.requirements.txt")
    assert {"tensorflow", "keras", "pandas", "gast", "numpy"} <= packages.keys()
    for name, (version, hashes) in packages.items():
        days = uploaded(name)
        late = [days[digest] for digest in hashes if days[digest] > DAY]
        assert not late, f"{name} {version} has files of {late}"
    # Gast of that time is an sdist that only setuptools can read, and what reads it, like what
    # installs it, is of today.
    assert Version(packages["gast"][0]) < Version("0.2.1")
    tools = pinned(tmp_path / "lock" / "box" / "lab.tools.txt")
    (pip_hash, *_) = tools["pip"][1]
    assert uploaded("pip")[pip_hash] > DAY


@pytest.mark.e2e(minutes=1)
def test_as_of_with_uv_has_no_later_uploads(tmp_path: Path, rigspec: Rigspec) -> None:
    day = dt.date(2021, 6, 1)
    spec = tmp_path / "rig.toml"
    spec.write_text(
        'rig = 1\nname = "rig"\n[machine.box]\nos = "ubuntu 20.04"\n[env.lab]\npython = "3.8"\n'
        f'as_of = {day}\npackages = {{ pandas = "*", requests = "*" }}\n'
    )
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert 'engine = "uv"' in (tmp_path / "lock" / "rig.lock").read_text(encoding="utf-8")
    packages = pinned(tmp_path / "lock" / "box" / "lab.requirements.txt")
    assert {"numpy", "pandas", "requests", "urllib3"} <= packages.keys()
    for name, (_, hashes) in packages.items():
        days = uploaded(name)
        assert max(days[digest] for digest in hashes) <= day


@pytest.mark.parametrize(
    ("series", "day", "engines"),
    [
        ((3, 6), None, ("uv", "resolvelib")),
        ((3, 6), dt.date(2019, 12, 31), ("resolvelib",)),
        ((3, 8), dt.date(2020, 1, 1), ("uv", "resolvelib")),
        ((2, 7), dt.date(2020, 1, 1), ("resolvelib",)),
    ],
)
def test_engines_for_returns_engines_of_day(
    series: tuple[int, int], day: dt.date | None, engines: tuple[str, ...]
) -> None:
    assert choose_engines(series, day, None) == engines
    assert choose_engines(series, day, None, "resolvelib") == ("resolvelib",)
    assert choose_engines(series, day, "pip-tools") == ("pip-tools",)
