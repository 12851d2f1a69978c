"""Hold the packages of this interpreter against requirements files; runs on Python 2.7 and newer.

usage: python installed.py FILE...

Prints a line for each package that is missing or of another version, and then exits with 1.
"""

import io
import re
import sys

try:
    from importlib.metadata import PackageNotFoundError, version
except ImportError:
    from pkg_resources import DistributionNotFound as PackageNotFoundError
    from pkg_resources import get_distribution

    def version(name):
        return get_distribution(name).version


def differences(path):
    with io.open(path, encoding="utf-8") as lines:
        for line in lines:
            pin = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line)
            if pin:
                name, locked = pin.groups()
                try:
                    found = version(name)
                except PackageNotFoundError:
                    found = "missing"
                if found != locked:
                    yield "{0}: locked {1}, {2}".format(name, locked, found)


if __name__ == "__main__":
    told = [line for path in sys.argv[1:] for line in differences(path)]
    for line in told:
        print(line)
    sys.exit(1 if told else 0)
