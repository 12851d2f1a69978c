"""Hold the packages of this interpreter against what was locked; runs on Python 2.7 and newer.

Each FILE is a requirements file, or an explicit list of conda's.

usage: python installed.py FILE...

Prints a line for each package that is missing or of another version, and then exits with 1.
"""

import io
import os
import re
import sys

try:
    from importlib.metadata import distributions
except ImportError:
    from pkg_resources import working_set


def normalized(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def installed():
    if "distributions" in globals():
        return {normalized(found.metadata["Name"]): found.version for found in distributions()}
    return {normalized(found.key): found.version for found in working_set}


def conda_record(package):
    return os.path.join(sys.prefix, "conda-meta", package + ".json")


def differences(path, found):
    with io.open(path, encoding="utf-8") as lines:
        for line in lines:
            package = re.match(r"\w+://\S*/([^/\s]+?)(?:\.conda|\.tar\.bz2)#", line)
            if package and not os.path.exists(conda_record(package.group(1))):
                yield "{0}: locked, missing".format(package.group(1))
            pin = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line)
            if pin:
                name, locked = pin.groups()
                have = found.get(normalized(name), "missing")
                if have != locked:
                    yield "{0}: locked {1}, {2}".format(name, locked, have)


if __name__ == "__main__":
    packages = installed()
    told = [line for path in sys.argv[1:] for line in differences(path, packages)]
    for line in told:
        print(line)
    sys.exit(1 if told else 0)
