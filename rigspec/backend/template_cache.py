"""Cache compiled templates next to the bytecode: compiling takes longer than rendering."""

from __future__ import annotations

import os
import sys
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path

import jinja2
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

__all__ = ["TemplateCache"]

_FOLDER = Path(__file__).parent / "__pycache__"


class TemplateCache(BytecodeCache):
    """Compiled templates as files; where none can be written, templates are compiled each time.

    A file is valid for one text of its template. A user who can forge it can change the code.
    """

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a compiled template, unless it is damaged or of another text."""
        with suppress(OSError):
            stored = _locate(bucket).read_bytes()
            checksum, content = stored[:4], stored[4:]
            if checksum == _checksum(content):
                bucket.bytecode_from_string(content)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a compiled template."""
        if sys.dont_write_bytecode:
            return
        path = _locate(bucket)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        # Read-only folders and zip files cannot be written.
        with suppress(OSError):
            content = bucket.bytecode_to_string()
            partial.write_bytes(_checksum(content) + content)
            partial.replace(path)


def _locate(bucket: Bucket) -> Path:
    return _FOLDER / f"{bucket.key}-{bucket.checksum}-{_fingerprint_code()}.j2"


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(4, "big")


@cache
def _fingerprint_code() -> str:
    """Return a checksum of the code whose results are part of a compiled template.

    Jinja applies a filter to a constant when it compiles a template.
    """
    filters = Path(__file__).with_name("quoting.py").read_bytes()
    checksum = zlib.crc32(filters, zlib.crc32(jinja2.__version__.encode()))
    return f"{checksum:08x}-{sys.implementation.cache_tag}"
