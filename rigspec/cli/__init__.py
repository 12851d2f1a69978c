"""The command line: typer, a module a command, no logic."""

import gc
import os

# A command lives for a fraction of a second, in which there is nothing to collect: looking for
# it while modules load costs a tenth of a check. Long commands turn it on again.
gc.disable()

# pydantic would search every installed distribution for plugins; the language needs none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
