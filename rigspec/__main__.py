"""``python -m rigspec``."""

from rigspec.cli.main import main

main()
