"""The output of ``nvidia-smi``, ``nvidia-smi -L`` and ``nvidia-smi -q -x``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from rigspec.importing.model import Reading, SourceText, Statement, Subject, UnreadableFile

__all__ = ["read", "read_gpu_list"]

_DRIVER = re.compile(r"Driver Version\s*:\s*(?P<value>[0-9][0-9.]*)")
# | 0  NVIDIA GeForce RTX 4090   On | …: the name is between the number and the mode.
_ROW = re.compile(
    r"^[ \t]*\|[ \t]+\d+[ \t]+(?P<value>\S+(?:[ \t]\S+)*?)"
    r"[ \t]+(?P<mode>On|Off|N/A|WDDM|TCC|MCDM)[ \t]*\|",
    re.MULTILINE,
)
# The names of `nvidia-smi -q`.
_FIELD = re.compile(r"^[ \t]+Product Name[ \t]*:[ \t]*(?P<value>\S(?:.*\S)?)[ \t]*$", re.MULTILINE)
_WINDOWS_MODES = frozenset({"WDDM", "TCC", "MCDM"})
_LIST = re.compile(
    r"^(?:GPU models and configuration[ \t]*:\s*)?GPU \d+: (?P<value>.+?)(?: \(UUID: .*\))?$",
    re.MULTILINE,
)
_XML_TEXT = r"\s*(?P<value>[^<\s](?:[^<]*[^<\s])?)\s*"
_XML_DRIVER = re.compile(rf"<driver_version>{_XML_TEXT}</driver_version>")
_XML_NAME = re.compile(rf"<product_name>{_XML_TEXT}</product_name>")


def read(source: SourceText) -> Reading:
    """Read the driver and the GPUs, one statement for each card."""
    if "<nvidia_smi_log" in source.text:
        return Reading(tuple(_read_xml(source)))
    rows = list(_ROW.finditer(source.text))
    names = rows or list(_FIELD.finditer(source.text))
    cards = [_statement(Subject.GPU, match, source) for match in names]
    omissions = [
        source.omission(card.value, "the name is cut off; use `nvidia-smi -L`", card.span.line)
        for card in cards
        if card.value.endswith("...")
    ]
    cards = [card for card in cards if not card.value.endswith("...")]
    found = _DRIVER.search(source.text)
    driver = [] if found is None else [_statement(Subject.DRIVER, found, source)]
    if any(row["mode"] in _WINDOWS_MODES for row in rows):
        omissions += [source.omission(d.value, "a driver of Windows", d.span.line) for d in driver]
        driver = []
    return Reading((*driver, *(cards or read_gpu_list(source))), tuple(omissions))


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
