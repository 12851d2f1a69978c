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


def test_lock_of_old_pins_with_new_dependencies_suggests_as_of(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    """gensim 3.4 imports what smart-open dropped, and numba 0.47 is of llvmlite 0.31."""
    spec = tmp_path / "rig.toml"
    lines = """rig = 1
name = "old"
[env.text]
python = "3.6"
interpreter = "pyenv"
packages = { gensim = "3.4.0" }
[env.code]
python = "3.8"
interpreter = "pyenv"
packages = { numba = "0.47" }
"""
    spec.write_text(lines, encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("note[RS234]") == 2
    assert "set `as_of = 2018-03-01` in `[env.text]`" in done.stderr
    text = lines.replace("[env.code]", "as_of = 2018-03-01\n[env.code]") + "as_of = 2020-01-03\n"
    spec.write_text(text, encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "then", "--upgrade")
    assert done.returncode == 0, done.stderr
    assert "note[RS234]" not in done.stderr
    assert "smart-open==1.5.6" in (tmp_path / "then" / "text.requirements.txt").read_text()
    assert "llvmlite==0.31.0" in (tmp_path / "then" / "code.requirements.txt").read_text()


# Twenty packages of the day, as a notebook of 2018 has them.
_OF_THE_DAY = """
numpy = "1.14.5"
scipy = "1.1.0"
pandas = "0.23.1"
scikit-learn = "0.19.1"
matplotlib = "2.2.2"
jupyter = "1.0.0"
tensorflow = "1.8.0"
keras = "2.2.0"
h5py = "2.8.0"
requests = "2.19.1"
pillow = "5.1.0"
seaborn = "0.8.1"
nltk = "3.3"
gensim = "3.4.0"
pyyaml = "3.12"
lightgbm = "2.1.2"
statsmodels = "0.9.0"
sympy = "1.1.1"
bokeh = "0.13.0"
networkx = "2.1"
"""


@pytest.mark.e2e(minutes=2)
def test_as_of_with_twenty_pins_of_the_day_is_locked(tmp_path: Path, rigspec: Rigspec) -> None:
    """tensorboard pins bleach and html5lib, which Jupyter leaves open: it is chosen first."""
    spec = tmp_path / "rig.toml"
    spec.write_text(
        'rig = 1\nname = "day"\n[machine.box]\nos = "ubuntu 18.04"\n'
        '[system]\npackages = ["build-essential"]\n'
        f'[env.lab]\npython = "3.6"\ninterpreter = "pyenv"\nas_of = {DAY}\n'
        f"[env.lab.packages]{_OF_THE_DAY}",
        encoding="utf-8",
    )
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    locked = pinned(tmp_path / "lock" / "box" / "lab.requirements.txt")
    assert (locked["bleach"][0], locked["html5lib"][0]) == ("1.5.0", "0.9999999")
