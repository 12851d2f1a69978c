"""Each quoting filter, read back by a parser of the language that it quotes for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import ruamel.yaml
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rigspec.backend.quoting import FILTERS
from tests.injection.texts import HOSTILE

# NUL ends a word in every shell.
WORDS = [text for text in HOSTILE.values() if "\0" not in text and len(text) < 1000]
WORDS += ["=ls", "a:=ls", "a=~", "~", "-n", "%", "x:~"]


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh"])
def test_shell_quote_returns_one_word(shell: str, tmp_path: Path) -> None:
    lines = [f"cd {tmp_path}"]
    for text in WORDS:
        quoted = FILTERS["sh"](text)
        lines += [f"printf '%s\\0' {quoted}", f"X={quoted}; printf '%s\\0' \"$X\""]
    done = subprocess.run(
        [shutil.which(shell) or shell, "-eu"], input="\n".join(lines).encode(), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    found = done.stdout.decode().split("\0")[:-1]
    assert found == [w for text in WORDS for w in (text, text)]
    assert list(tmp_path.iterdir()) == []


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_yaml_quote_preserves_text(text: str) -> None:
    line = f"x: {FILTERS['yaml'](text)}\n"
    assert line.isascii()
    assert yaml.safe_load(line) == {"x": text}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_yaml_quote_is_equal_in_1_1_and_1_2(version: str) -> None:
    reader = ruamel.yaml.YAML(typ="safe", pure=True)
    reader.version = version
    for text in HOSTILE.values():
        if len(text) < 1000:
            line = f"x: {FILTERS['yaml'](text)}\n"
            assert reader.load(line) == yaml.safe_load(line) == {"x": text}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_comment_is_one_inert_line(text: str) -> None:
    comment = f"# {FILTERS['comment'](text)}"
    assert comment.isprintable()
    # What BuildKit reads at the top of a Dockerfile.
    assert not any(comment.startswith(f"# {word}=") for word in ("escape", "syntax", "check"))


@settings(deadline=None)
@given(st.text(max_size=50))
def test_dockerfile_unrepresentable_text_is_refused(text: str) -> None:
    try:
        quoted = FILTERS["dockerfile"](text)
    except ValueError:
        assert any(not character.isprintable() for character in text)
    else:
        assert "\n" not in quoted
        assert "\r" not in quoted
