"""The command line: one module per command, no logic."""

import gc
import os

# A command runs for a fraction of a second and creates no garbage worth collecting; collections
# while modules load cost a tenth of a check. Long commands enable it again.
gc.disable()

# Without this, pydantic searches every installed distribution for plugins.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
