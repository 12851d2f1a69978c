"""Questions about libraries with compiled code: the answer, and the text that it must have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli

from rigspec.query.answer import Answer, answer_question
from rigspec.query.libraries import complete_libraries
from rigspec.query.question import Question, parse_request
from rigspec.query.render import render_answer

FILE = Path(__file__).with_name("answers.toml")
ROWS: list[dict[str, Any]] = tomli.loads(FILE.read_text(encoding="utf-8"))["question"]


def name(row: dict[str, Any]) -> str:
    return f"{row['gpu']} {' '.join(row['packages'])}"


def answer(row: dict[str, Any]) -> Answer:
    requests = tuple(map(parse_request, row["packages"]))
    given = {key: row[key] for key in ("driver", "python", "os") if key in row}
    return answer_question(complete_libraries(Question(row["gpu"], requests=requests, **given)))


def test_answers_have_sources_and_distinct_questions() -> None:
    assert all(row["source"].startswith(("https://", "pkg:")) for row in ROWS)
    assert len({name(row) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_answer_is_the_known_one_and_says_why(row: dict[str, Any]) -> None:
    result = answer(row)
    text = render_answer(result)

    assert text.partition(":")[0] == row["answer"], text
    for part in row["says"]:
        assert part in text
    for part in row.get("never", ()):
        assert part not in text
