"""Which lines of an installer bash runs, if a measurement asks for it; see `tests/figures`.

bash itself prints the file and the line of each command (`set -x`), to a file outside of the system
in which it runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

__all__ = ["TRACED", "collect_lines", "list_functions", "open_trace", "trace_settings"]

# The variable with the file to which the lines are added: FUNCTION, a tab, and the line.
TRACED = "RIGSPEC_TRACED_LINES"
# An installer uses lower numbers.
_SCRIPT_FD, _TRACE_FD = 198, 199
_SCRIPT = f'PS4="+@\\${{BASH_SOURCE:-}}:\\$LINENO@ " BASH_XTRACEFD={_TRACE_FD}; set -x\n'
_COMMAND = re.compile(rb"^\++@([^:@\n]+):(\d+)@", re.MULTILINE)
_FUNCTION = re.compile(r"([A-Za-z_][\w-]*)\(\) [{(]")


@cache
def open_trace() -> tuple[int, ...]:
    """Return the descriptors that a shell has to inherit; none if no measurement runs."""
    if TRACED not in os.environ:
        return ()
    for number, content in ((_SCRIPT_FD, _SCRIPT.encode()), (_TRACE_FD, b"")):
        file = os.memfd_create("trace")
        os.write(file, content)
        os.dup2(file, number)
        os.set_inheritable(number, True)
    return _SCRIPT_FD, _TRACE_FD


def trace_settings() -> tuple[str, ...]:
    """Return the variables of a shell that is traced."""
    return (f"BASH_ENV=/proc/self/fd/{_SCRIPT_FD}",) if open_trace() else ()


def collect_lines(roots: Iterable[Path]) -> None:
    """Add the lines that ran since the last call; the files are in one of the roots."""
    if not open_trace():
        return
    size = os.lseek(_TRACE_FD, 0, os.SEEK_END)
    trace = os.pread(_TRACE_FD, size, 0)
    os.ftruncate(_TRACE_FD, 0)
    os.lseek(_TRACE_FD, 0, os.SEEK_SET)
    places = {(path.decode(), int(line)) for path, line in _COMMAND.findall(trace)}
    with open(os.environ[TRACED], "a", encoding="utf-8") as found:
        for path in {path for path, _ in places}:
            files = (root / path.lstrip("/") for root in roots if path.startswith("/"))
            file = next((each for each in files if each.is_file()), None)
            if file is not None:
                lines = list(list_functions(file.read_text("utf-8", "replace")))
                for each, number in places:
                    if each == path and number <= len(lines):
                        found.write("\t".join(lines[number - 1]) + "\n")


def list_functions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line, without its margin, after the name of the function that it is in."""
    function = ""
    for line in text.splitlines():
        begins = _FUNCTION.match(line)
        function = begins[1] if begins else function
        yield function, line.strip()
        if line.startswith(("}", ")")) or (begins and line.rstrip().endswith(("}", "; )"))):
            function = ""
