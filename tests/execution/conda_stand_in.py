"""``conda create --yes --quiet --file LIST --prefix PREFIX``, by rattler.

No registry that a test machine reaches has conda itself. This reads the explicit list as conda
does: it takes each package from its address, holds it against the md5, and links it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import rattler


async def create(listed: Path, prefix: str) -> None:
    lines = listed.read_text(encoding="utf-8").partition("@EXPLICIT\n")[2].splitlines()
    records = []
    for line in lines:
        url, _, md5 = line.partition("#")
        path = Path(unquote(urlsplit(url).path))
        if hashlib.md5(path.read_bytes()).hexdigest() != md5:
            sys.exit(f"ChecksumMismatchError: {url}")
        records.append(await rattler.RepoDataRecord.from_package_archive(path))
    with tempfile.TemporaryDirectory() as cache:
        await rattler.install(records, prefix, cache_dir=Path(cache), show_progress=False)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["create"])
    parser.add_argument("--yes", action="store_true", required=True)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--prefix", required=True)
    arguments = parser.parse_args()
    asyncio.run(create(arguments.file, arguments.prefix))
    sys.stdout.flush()
    os._exit(0)  # rattler's runtime has been seen to abort while an interpreter shuts down


main()
