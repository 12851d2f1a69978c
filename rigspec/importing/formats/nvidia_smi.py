"""The output of ``nvidia-smi``, ``nvidia-smi -L`` and ``nvidia-smi -q -x``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from rigspec.importing.model import Reading, SourceText, Statement, Subject, UnreadableFile

__all__ = ["read", "read_gpu_list"]

_DRIVER = re.compile(r"Driver Version:\s*(?P<value>[0-9][0-9.]*)")
# | 0  NVIDIA GeForce RTX 4090   On | …: the name is between the number and the mode.
_ROW = re.compile(r"^\|\s+\d+\s+(?P<value>\S.*?)\s{2,}(?:On|Off|N/A|WDDM|TCC|MCDM)\b", re.MULTILINE)
_LIST = re.compile(
    r"^(?:GPU models and configuration:\s*)?GPU \d+: (?P<value>.+?)(?: \(UUID: .*\))?$",
    re.MULTILINE,
)
_XML_DRIVER = re.compile(r"<driver_version>\s*(?P<value>[^<]*?)\s*</driver_version>")
_XML_NAME = re.compile(r"<product_name>\s*(?P<value>[^<]*?)\s*</product_name>")


def read(source: SourceText) -> Reading:
    """Read the driver and the GPUs, one statement for each card."""
    if "<nvidia_smi_log" in source.text:
        return Reading(tuple(_read_xml(source)))
    driver = _DRIVER.search(source.text)
    statements = [] if driver is None else [_statement(Subject.DRIVER, driver, source)]
    rows = [_statement(Subject.GPU, row, source) for row in _ROW.finditer(source.text)]
    cut = [row for row in rows if row.value.endswith("...")]
    omissions = tuple(
        source.omission(row.value, "the name is cut off; use `nvidia-smi -L`", row.span.line)
        for row in cut
    )
    rows = [row for row in rows if row not in cut]
    return Reading((*statements, *(rows or read_gpu_list(source))), omissions)


def read_gpu_list(source: SourceText) -> list[Statement]:
    """Read lines such as ``GPU 0: NVIDIA GeForce RTX 4090 (UUID: …)``."""
    return [_statement(Subject.GPU, match, source) for match in _LIST.finditer(source.text)]


def _read_xml(source: SourceText) -> Iterator[Statement]:
    try:
        ET.fromstring(source.text)  # noqa: S314 - expat neither fetches nor expands without limit
    except ET.ParseError as error:
        raise UnreadableFile(f"invalid XML: {error}", error.position[0]) from None
    for match in list(_XML_DRIVER.finditer(source.text))[:1]:
        yield _statement(Subject.DRIVER, match, source)
    for match in _XML_NAME.finditer(source.text):
        yield _statement(Subject.GPU, match, source)


def _statement(subject: Subject, match: re.Match[str], source: SourceText) -> Statement:
    return Statement(subject, match["value"], source.span(*match.span("value")))
