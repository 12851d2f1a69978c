"""The command line: one module per command, no logic."""

import gc
import os
import sys
import types

# A command runs for a fraction of a second and creates no garbage worth collecting; collections
# while modules load cost a tenth of a check. Long commands enable it again.
gc.disable()

# Without this, pydantic searches every installed distribution for plugins.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

# Its module for that search imports `importlib.metadata` with `email`, a tenth of a check, before
# it looks at the variable. Where pydantic has no such module, this one has no effect.
_NO_PLUGINS = types.ModuleType("pydantic.plugin._loader")
_NO_PLUGINS.__dict__["get_plugins"] = tuple
sys.modules.setdefault(_NO_PLUGINS.__name__, _NO_PLUGINS)
