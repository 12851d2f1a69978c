"""Model of ``[check]``."""

from typing import Annotated

from rigspec.spec.constraints import StringPattern
from rigspec.spec.tables import Field, Table
from rigspec.spec.types import Many

__all__ = ["CheckSettings"]

Code = Annotated[str, StringPattern(r"RS[0-9]{3}", "expected a diagnostic code such as `RS302`")]


class CheckSettings(Table):
    """Settings of ``rigspec check``."""

    ignore: Many[Code] = Field(
        default=(), description="Codes whose warnings and notes are hidden; errors are not"
    )
