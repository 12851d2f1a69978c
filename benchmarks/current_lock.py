"""Write a lock as one of today's matrix, for benchmarks/table.py.

python benchmarks/current_lock.py SOURCE FOLDER
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from rigspec.fs.atomic_tree import write_tree_atomically
from rigspec.lock.lockfile import lock_files, read_lock
from rigspec.matrix.loader import compute_matrix_digest


def main() -> None:
    lock, _ = read_lock(Path(sys.argv[1]))
    current = replace(lock, matrix_digest=compute_matrix_digest())
    write_tree_atomically(Path(sys.argv[2]), lock_files(current))


if __name__ == "__main__":
    main()
