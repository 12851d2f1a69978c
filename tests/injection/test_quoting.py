"""Each quoting filter, read back by a parser of the language that it quotes for."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import ruamel.yaml
import tomli
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


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_toml_quote_preserves_text(text: str) -> None:
    assert tomli.loads(f"x = {FILTERS['toml'](text)}\n") == {"x": text}


def test_toml_quote_of_delete_preserves_text() -> None:
    assert FILTERS["toml"]("\x7f") == r'"\u007f"'


# The reader of HCL in Python leaves `$${` as it is.
@pytest.mark.parametrize("text", ["plain", 'a "b"', "a\\b", "a\nb\tc", "\x7f", "$x %y", "é"])
def test_hcl_quote_preserves_text(text: str) -> None:
    quoted = FILTERS["hcl"](text)
    assert quoted.isprintable()
    assert json.loads(quoted) == text


@pytest.mark.parametrize("start", ["${", "%{"])
def test_hcl_quote_starts_no_template(start: str) -> None:
    quoted = FILTERS["hcl"](f"a{start}file('/etc/passwd')}}")
    assert quoted == f"\"a{start[0]}{start}file('/etc/passwd')}}\""


def test_dockerfile_quote_escapes_what_a_double_quoted_word_expands() -> None:
    assert FILTERS["dockerfile"]('a "b" $HOME \\c') == r'"a \"b\" \$HOME \\c"'
    for text in ("a\nb", "a\rb", "\x00", "\u2028", "\ud800"):
        with pytest.raises(ValueError, match="Dockerfile"):
            FILTERS["dockerfile"](text)


def test_wrapped_words_are_the_same_words_on_short_lines() -> None:
    for width in (30, 110):
        wrapped = FILTERS["wrapped_words"](WORDS, width)
        done = subprocess.run(
            ["bash", "-euc", f"printf '%s\\0' {wrapped}"], capture_output=True, check=True
        )
        assert done.stdout.decode().split("\0")[:-1] == WORDS
    short = [f"word-{number}" for number in range(40)]
    lines = FILTERS["wrapped_words"](short, 40).split(" \\\n    ")
    # With its margin and the backslash, no line is longer; the next word does not fit.
    assert all(4 + len(line) + 2 <= 40 for line in lines)
    pairs = itertools.pairwise(lines)
    assert all(4 + len(f"{line} {after.split()[0]}") + 2 > 40 for line, after in pairs)
    assert FILTERS["wrapped_words"](["x" * 51, "y" * 52]) == f"{'x' * 51} {'y' * 52}"
    assert FILTERS["wrapped_words"](["x" * 52, "y" * 52]).count("\n") == 1
    assert FILTERS["wrapped_words"]([]) == ""
    assert FILTERS["words"](["a b", "c"]) == "'a b' c"


TEXTS = [
    *("one", "one\n", "one\n\n\n", "\none\n", "  indented\nless\n", "tab\there\n", "a\n\n  b"),
    *("trailing \n", "- x\n# y\n", "é\n", "a\r\n", " ", "\n", ""),
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_yaml_text_preserves_text(text: str, version: str) -> None:
    reader = ruamel.yaml.YAML(typ="safe", pure=True)
    reader.version = version
    for column in (2, 4):
        document = f"{' ' * (column - 2)}x: {FILTERS['yaml_text'](text, column)}\n"
        assert reader.load(document) == yaml.safe_load(document) == {"x": text}


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (" ~", '" ~"'),
        ("\x7f", r'"\u007f"'),
        ("\x80", r'"\u0080"'),
        ("\uffff", r'"\uffff"'),
        ("\U00010000", r'"\U00010000"'),
    ],
)
def test_yaml_quote_escapes_what_is_not_ascii(text: str, quoted: str) -> None:
    assert FILTERS["yaml"](text) == quoted


def test_yaml_text_of_lines_is_a_literal_block() -> None:
    assert FILTERS["yaml_text"]("a\n\nb\n", 4) == "|2\n    a\n\n    b"
    assert FILTERS["yaml_text"]("a", 2) == "|2-\n  a"
    assert FILTERS["yaml_text"]("a\n\n", 2) == "|2+\n  a\n"
    assert FILTERS["yaml_text"]("é", 2) == r'"\u00e9"'


@pytest.mark.parametrize(
    "text", [*TEXTS[:7], "x" * 350, " " * 250 + "y", 'a "b" \\c\n  d', "z" * 100]
)
def test_yaml_lines_preserve_text(text: str) -> None:
    quoted = FILTERS["yaml_lines"](text, 6)
    assert yaml.safe_load(f"x: {quoted}\n") == {"x": text.strip("\n")}
    lines = quoted.split("\n")
    assert all(line.startswith("      ") for line in lines[1:])
    # A piece has at most 100 characters, each at most six when it is escaped.
    assert max(map(len, lines)) <= 6 + 100 * 2 + 3
    assert len(lines) >= len(text.strip("\n")) / 100


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("My rig", "my-rig"),
        ("--a__b--", "a-b"),
        ("é", "rig"),
        ("", "rig"),
        ("a" * 62 + "-b", "a" * 62),
        ("a" * 64, "a" * 63),
        ("A1.example", "a1-example"),
    ],
)
def test_hostname_is_a_label(name: str, label: str) -> None:
    assert FILTERS["hostname"](name) == label


def test_definition_starts_no_section_and_no_build_variable() -> None:
    text = FILTERS["definition"]("%post\n  %x\na % b\n'{{ x }}' {{{\n")
    assert text == "''%post\n  ''%x\na % b\n'{''{ x }}' {''{''{\n"
    done = subprocess.run(["bash", "-c", f"printf %s {text.split()[0]}"], capture_output=True)
    assert done.stdout == b"%post"


@pytest.mark.parametrize("text", ["escape=`", " syntax = x", "check=skip=all"])
def test_comment_that_a_dockerfile_parser_obeys_is_quoted(text: str) -> None:
    assert FILTERS["comment"](text) == f'"{text}"'
    assert FILTERS["comment"]("a=b") == '"a=b"'
    assert FILTERS["comment"]("the rig = x\ty") == "the rig = x y"


def test_indented_text_has_no_blank_at_empty_lines() -> None:
    assert FILTERS["indented"]("a\n\n b\n", 2) == "  a\n\n   b"


def test_packed_text_is_base64_in_lines() -> None:
    text = "é" * 100
    for width in (None, 40):
        lines = FILTERS["packed"](text, width).split("\n")
        assert base64.b64decode("".join(lines)).decode() == text
        assert {len(line) for line in lines[:-1]} <= {width}
    assert len(FILTERS["packed"](text).split("\n")) == 1
    assert FILTERS["packed"]("") == ""
    assert FILTERS["sha256"]("abc").startswith("ba7816bf8f01cfea")


def test_identifier_is_a_name_of_a_shell_function() -> None:
    assert FILTERS["identifier"]("program-chat_1.x") == "program_chat_1_x"


@pytest.mark.parametrize("word", ["a", "_x", "A/b:c@d-e.f", "0"])
def test_bare_word_is_the_word(word: str) -> None:
    assert FILTERS["bare"](word) == word


@pytest.mark.parametrize("word", ["", "-a", "a b", "a;b", "a$b", "é", "a\n", ".a", "/a", "a'"])
def test_bare_word_that_needs_quotes_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="without quotes"):
        FILTERS["bare"](word)
