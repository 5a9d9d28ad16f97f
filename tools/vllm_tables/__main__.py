"""The command behind `make vllm`.

    PYTHONPATH=tools:src python -m vllm_tables 0.34.0 [more versions, folders, archives]
    [--only names,defaults] [--looked NAME,NAME|all]

Exit status 0: all is written and the release counts as read; 1: something wants a look; 2: bad input.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vllm_tables.fingerprints import FILE
from vllm_tables.update import FINGERPRINTS, ROOM, TABLES, Update, wants_a_look


def main(argv: list[str] | None = None) -> int:
    """Read, merge, print."""
    parser = argparse.ArgumentParser("make vllm", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sources", nargs="+", metavar="VERSION", help="a version, a folder or an archive")
    parser.add_argument("--only", default="", help=f"some of {', '.join((*TABLES, FINGERPRINTS))}")
    parser.add_argument("--looked", default="", help="functions that you have looked at, or all")
    parser.add_argument("--tables", type=Path, default=ROOM, help="the folder of the tables")
    parser.add_argument("--fingerprints", type=Path, default=FILE, help="the file of the fingerprints")
    options = parser.parse_args(argv)
    only, looked = (tuple(filter(None, text.split(","))) for text in (options.only, options.looked))
    unknown = [name for name in only if name not in (*TABLES, FINGERPRINTS)]
    try:
        if unknown:
            raise SystemExit(
                f"{', '.join(unknown)}: no table; there are {', '.join((*TABLES, FINGERPRINTS))}"
            )
        update = Update(
            folder=options.tables,
            fingerprints=options.fingerprints,
            only=only or (*TABLES, FINGERPRINTS),
            looked=looked,
        )
        lines = []
        for line in update.run(options.sources):
            lines.append(line)
            print(line, flush=True)
    except SystemExit as error:
        print(error.code, file=sys.stderr)
        return 2
    return 1 if wants_a_look(lines) else 0


if __name__ == "__main__":
    sys.exit(main())
