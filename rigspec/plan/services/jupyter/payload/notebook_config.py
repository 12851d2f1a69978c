"""Configuration of a notebook server, for `--config`. Supports Python 2.7 and newer.

Reads the JSON file in $RIG_NOTEBOOK: `settings` by section, and `files` with secret values, which
must not be in a world-readable file.
"""

import io
import json
import os
import ssl

settings = get_config()  # noqa: F821 - defined by the notebook server


def read_text(path):
    with io.open(path, encoding="utf-8") as file:
        return file.read()


config = json.loads(read_text(os.environ["RIG_NOTEBOOK"]))
for section, values in config["settings"].items():
    for name, value in values.items():
        setattr(settings[section], name, value)
    # By default, servers on these Python versions use TLS 1.0 only, which current browsers reject.
    if "certfile" in values and not hasattr(ssl, "PROTOCOL_TLS_SERVER"):
        settings[section].ssl_options = {"ssl_version": ssl.PROTOCOL_TLSv1_2}
for section, files in config["files"].items():
    for name, path in files.items():
        setattr(settings[section], name, read_text(path).strip())
