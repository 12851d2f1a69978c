"""Read from the package index on which day each release of a framework was uploaded.

    python tools/upload_days.py DAY [PRODUCT...]

DAY is the day of the reading, which stands beside each source. The tables are those of
rigspec/matrix/tables/uploads; `rigspec matrix refresh` writes one anew when it adds releases.
"""

from __future__ import annotations

import datetime as dt
import sys

from rigspec.matrix.load import load_matrix, uploads_file
from rigspec.refresh.uploads import uploads_table


def main() -> None:
    day, names = dt.date.fromisoformat(sys.argv[1]), sys.argv[2:]
    for product in load_matrix(names or None).products:
        if product.kind == "framework":
            file = uploads_file(product.name)
            file.parent.mkdir(exist_ok=True)
            text = uploads_table(product, day=day, index=None)
            file.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
