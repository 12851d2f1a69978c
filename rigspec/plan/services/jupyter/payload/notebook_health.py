"""Check the health of a notebook server on this machine. Supports Python 2.7 and newer.

Reads the settings from the JSON file in $RIG_NOTEBOOK. With TLS, the server must present the
certificate of its file, and it must not be expired. Prints the reason and exits with 1 on failure.
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

TIMEOUT_S = 8
# Trust exactly the certificate in the file: it needs neither a chain to a root certificate nor the
# extensions that Python 3.13 requires.
PARTIAL_CHAIN, STRICT = 0x80000, 0x20


def connect(settings):
    port = settings["port"]
    if "certfile" not in settings:
        return HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    context = ssl.create_default_context(cafile=settings["certfile"])
    context.verify_flags = context.verify_flags & ~STRICT | PARTIAL_CHAIN
    # The connection uses the IP address, not the host name.
    context.check_hostname = False
    return HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT_S, context=context)


def check_health():
    with io.open(os.environ["RIG_NOTEBOOK"], encoding="utf-8") as file:
        (settings,) = json.load(file)["settings"].values()
    server = connect(settings)
    # Without a login, only the version is available.
    server.request("GET", "/api")
    response = server.getresponse()
    if response.status != 200:
        raise ValueError("HTTP status %d" % response.status)
    json.loads(response.read().decode("utf-8"))["version"]


try:
    check_health()
except Exception as error:
    sys.exit("notebook server is unhealthy: %s" % error)
