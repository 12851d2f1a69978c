"""The limits of every download: time, speed and size."""

from __future__ import annotations

import math
import os

from rigspec.frozen import dataclass

__all__ = [
    "FILE",
    "PAGE",
    "TIMEOUT_VARIABLE",
    "InvalidTimeout",
    "TransferLimit",
    "read_timeout",
    "scale_limit",
]

# Seconds for which a server may be silent. All other limits of time grow with it.
TIMEOUT_VARIABLE = "RIGSPEC_HTTP_TIMEOUT"
_TIMEOUT_S = 30.0

# A transfer that is slower on average, after a time of silence, is aborted.
_MIN_BYTES_PER_SECOND = 4096


class InvalidTimeout(Exception):
    """The variable of the timeout is not a positive number."""


@dataclass(frozen=True)
class TransferLimit:
    """The limits of one transfer.

    Args:
        max_bytes: the size of the body, also when unpacked.
        total_s: the time that the body may take, at the default timeout; None sets only a speed.
    """

    max_bytes: int
    total_s: float | None = None

    def find_problem(self, size: int, elapsed_s: float) -> str | None:
        """Return why a transfer is aborted; None as long as it is within the limits."""
        if size > self.max_bytes:
            return f"larger than {_format_size(self.max_bytes)}"
        silence_s = read_timeout()
        rate = _MIN_BYTES_PER_SECOND * _TIMEOUT_S / silence_s
        if elapsed_s > silence_s and size < elapsed_s * rate:
            return f"too slow: {size} bytes in {elapsed_s:.1f} s"
        if self.total_s is not None and elapsed_s > scale_limit(self.total_s):
            return f"too slow: not complete after {elapsed_s:.0f} s"
        return None


# A page of an index, a manifest: read into memory. PyPI's largest page of one package has 4 MB.
PAGE = TransferLimit(64 << 20, 600.0)
# A file, written to disk or only hashed.
FILE = TransferLimit(256 << 30)


def read_timeout() -> float:
    """Return the seconds for which a server may be silent.

    Raises:
        InvalidTimeout: The variable is not a positive number.
    """
    text = os.environ.get(TIMEOUT_VARIABLE)
    if not text:
        return _TIMEOUT_S
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise InvalidTimeout(f"{TIMEOUT_VARIABLE} is not a positive number of seconds")
    return value


def scale_limit(seconds: float) -> float:
    """Return a limit of time that is this long at the default timeout."""
    return seconds * read_timeout() / _TIMEOUT_S


def _format_size(size: int) -> str:
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << shift and size % (1 << shift) == 0:
            return f"{size >> shift} {unit}"
    return f"{size} bytes"
