"""Asks a notebook server of this machine how it is; runs on Python 2.7 and newer.

The JSON file in $RIG_NOTEBOOK has its settings. Where it speaks TLS, it is to show the very
certificate of its file, not yet run out. Exits with 1 and a line of why where it does not answer.
"""

import io
import json
import os
import ssl
import sys

try:
    from http.client import HTTPConnection, HTTPSConnection
except ImportError:  # Python 2
    from httplib import HTTPConnection, HTTPSConnection

SECONDS = 8
# The certificate may be anybody's, its file is what is trusted: neither a chain up to a root, nor
# the extensions that Python 3.13 wants to see in one.
PARTIAL_CHAIN, STRICT = 0x80000, 0x20


def connection(settings):
    port = settings["port"]
    if "certfile" not in settings:
        return HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    context = ssl.create_default_context(cafile=settings["certfile"])
    context.verify_flags = context.verify_flags & ~STRICT | PARTIAL_CHAIN
    # It is asked for by its address here, and not by its name.
    context.check_hostname = False
    return HTTPSConnection("127.0.0.1", port, timeout=SECONDS, context=context)


def asked():
    with io.open(os.environ["RIG_NOTEBOOK"], encoding="utf-8") as file:
        (settings,) = json.load(file)["settings"].values()
    server = connection(settings)
    # Its version is all that it tells to those who have not logged in.
    server.request("GET", "/api")
    answer = server.getresponse()
    if answer.status != 200:
        raise ValueError("it answers with %d" % answer.status)
    json.loads(answer.read().decode("utf-8"))["version"]


try:
    asked()
except Exception as error:
    sys.exit("the notebook server is not well: %s" % error)
