"""The page of the figures: a row for each measurement, those of earlier runs included."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["Row", "read_rows", "write_page"]

_HEAD = "| measurement | attempts | of | findings | command |\n| --- | ---: | ---: | ---: | --- |\n"
_INTRODUCTION = """# Figures

Attempts to break rigspec, as `make figures` last ran them. A finding fails the run, and its
smallest input becomes a test. The column *of* has the number at `SCALE=1`: where a row has fewer
attempts, it was run at a smaller scale or interrupted. The seed is fixed, so a run can be repeated.

Each string with a canary is read by the programs that read the artifact: shells, YAML 1.1 and 1.2,
Dockerfile, JSON, TOML and HCL parsers, systemd (the words and variables that it would start a
program with), sshd, ssh-keygen, and readers of the drawings. rigspec writes nothing that cron or
fish reads.

Drawn rigs have a machine, a system, interpreters, frameworks and packages of one era. Those that
check admits are locked and compiled for every target, and each request of the spec has a step. Of a
sample, environments without CUDA wheels are installed by the shell of the installer, from the lock
and with its checksums, and each framework is imported. Both rows print how many rigs were drawn,
refused, and not counted because an index or CUDA is missing here. `SEED=2` draws others.

For coverage, an attempt is a line or a branch, and a finding is one that no test of the part runs:
up to 5 % pass. A mutant is a small change of the code, drawn at random; a finding is one that the
tests of the part do not notice: up to 15 % pass. coverage.py counts lines and branches, cosmic-ray
changes the code, and bash itself prints the commands of the shell library that it runs.

"""
_END = """
Each row is replaced when its command runs. `make figures SCALE=0.01` is a quick run of all, and
`make figures FIGURES="checks repairs"` runs two rows. `make coverage` and `make mutation` run those
of the tests.
"""

# Attempts, the number at scale 1, findings, command.
Row = tuple[int, int, int, str]


def read_rows(page: Path) -> dict[str, Row]:
    """Return the rows of a page by their titles; none if there is no page."""
    rows: dict[str, Row] = {}
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 5 and cells[1][:1].isdigit():
            done, full, findings = (int(c.split()[0].replace(",", "")) for c in cells[1:4])
            rows[cells[0]] = (done, full, findings, cells[4].strip("`"))
    return rows


def _share(done: int, findings: int) -> str:
    return f" ({findings / done:.1%})".replace("%", " %") if findings and done else ""


def write_page(page: Path, rows: Mapping[str, Row]) -> None:
    lines = [
        f"| {title} | {done:,} | {full:,} | {findings:,}{_share(done, findings)} | `{command}` |\n"
        for title, (done, full, findings, command) in rows.items()
    ]
    page.write_text(_INTRODUCTION + _HEAD + "".join(lines) + _END, encoding="utf-8")
