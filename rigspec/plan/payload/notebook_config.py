"""Settings of a notebook server, for its `--config`; runs on Python 2.7 and newer.

The JSON file in $RIG_NOTEBOOK has them: `settings` by section, and `files`, whose contents are
values that must not stand in a file that everybody may read.
"""

import io
import json
import os
import ssl

settings = get_config()  # noqa: F821 - whoever reads this file has put it there


def text(path):
    with io.open(path, encoding="utf-8") as file:
        return file.read()


given = json.loads(text(os.environ["RIG_NOTEBOOK"]))
for section, values in given["settings"].items():
    for name, value in values.items():
        setattr(settings[section], name, value)
    # Untold, the servers of these Pythons speak TLS 1.0 alone, which no browser of today takes.
    if "certfile" in values and not hasattr(ssl, "PROTOCOL_TLS_SERVER"):
        settings[section].ssl_options = {"ssl_version": ssl.PROTOCOL_TLSv1_2}
for section, files in given["files"].items():
    for name, path in files.items():
        setattr(settings[section], name, text(path).strip())
