"""Cache compiled templates next to the bytecode: compiling them takes half of `compile`."""

from __future__ import annotations

import sys
import zlib
from io import BytesIO

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from rigspec.cache.compiled_files import FOLDER, write_compiled_file

__all__ = ["TemplateCache"]


class TemplateCache(BytecodeCache):
    """Compiled templates, each valid for one source and one version of Jinja and Python.

    A compiled template contains the results of filters of constants, so ``filters`` is the source
    of the filters.
    """

    def __init__(self, filters: bytes) -> None:
        self._filters = zlib.crc32(filters)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read the code of a template, if it is there for its source."""
        try:
            bucket.load_bytecode(BytesIO((FOLDER / self._name(bucket)).read_bytes()))
        # A damaged file raises any of a dozen exceptions.
        except Exception:
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the code of a template."""
        write_compiled_file(FOLDER / self._name(bucket), bucket.bytecode_to_string())

    def _name(self, bucket: Bucket) -> str:
        # Checksums of the name and of the source: targets have different templates of one name.
        key = f"{bucket.key[:16]}-{bucket.checksum[:16]}-{self._filters:08x}"
        return f"{key}-{jinja2.__version__}-{sys.implementation.cache_tag}.jinja"
