"""``python -m rigspec``."""

from rigspec.cli.main import run

run()
