"""Check the packages of this interpreter against the lock. Supports Python 2.7 and newer.

Each FILE is a requirements file or an explicit list of conda.

usage: python verify_packages.py FILE...

Prints a line for each package that is missing or has another version, and then exits with 1.
"""

import io
import os
import re
import sys

try:
    from importlib.metadata import distributions
except ImportError:
    from pkg_resources import working_set


def normalize_name(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def find_installed_versions():
    if "distributions" in globals():
        return {normalize_name(dist.metadata["Name"]): dist.version for dist in distributions()}
    return {normalize_name(dist.key): dist.version for dist in working_set}


def find_conda_record(package):
    return os.path.join(sys.prefix, "conda-meta", package + ".json")


def find_differences(path, versions):
    with io.open(path, encoding="utf-8") as lines:
        for line in lines:
            package = re.match(r"\w+://\S*/([^/\s]+?)(?:\.conda|\.tar\.bz2)#", line)
            if package and not os.path.exists(find_conda_record(package.group(1))):
                yield "{0}: locked, missing".format(package.group(1))
            pin = re.match(r"(?:# )?([A-Za-z0-9._-]+)==([^\s;\\]+)", line)
            if pin:
                name, locked = pin.groups()
                installed = versions.get(normalize_name(name), "missing")
                if installed != locked:
                    yield "{0}: locked {1}, {2}".format(name, locked, installed)


if __name__ == "__main__":
    packages = find_installed_versions()
    lines = [line for path in sys.argv[1:] for line in find_differences(path, packages)]
    for line in lines:
        print(line)
    sys.exit(1 if lines else 0)
