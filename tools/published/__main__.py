"""`python tools/published FOLDER [--only FILE]`: our readers and our editor on published manifests.

FOLDER has the manifests by their names in `tests/data/published/sources.yaml`, or is one of git clones,
each `owner+name`, `owner/name` or `name`. Each manifest is read and held against its rows, judged on stated
inventories without a network, and edited by plans of seeded chance, of which each result is proven by a
difference of texts and by being read again; so is each in the words of other programs. Exit status 1 and a
line for each fault; `--record` writes what came out into `answers.yaml` beside the sources.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

for _folder in (Path(__file__).parents[1], Path(__file__).parents[2] / "src"):
    sys.path.insert(0, str(_folder))


def main(arguments: list[str]) -> int:
    from published.answers import answer_of, record
    from published.sources import bytes_of, records

    parser = argparse.ArgumentParser(prog="published", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", default=[], help="this file; may be repeated")
    parser.add_argument("--record", action="store_true", help="write answers.yaml anew")
    parser.add_argument("--no-judge", action="store_true", help="read and edit alone")
    options = parser.parse_args(arguments)
    answers, wrong, absent = [], 0, 0
    for one in records():
        if options.only and one["file"] not in options.only:
            continue
        try:
            data = bytes_of(one, options.folder)
        except (FileNotFoundError, ValueError) as error:
            absent += 1
            print(f"{one['file']}: {error}", flush=True)
            continue
        answer, faults = answer_of(one, data, judged=not options.no_judge)
        answers.append(answer)
        wrong += len(faults)
        for fault in faults:
            print(f"{one['file']}: {fault}", flush=True)
    edits = sum(answer.get("edits", 0) for answer in answers)
    refused = sum(sum(answer.get("refused", {}).values()) for answer in answers)
    print(f"{len(answers)} files, {edits} edits proven, {refused} refused, {wrong} faults, {absent} absent")
    if options.record and not absent and not options.only and not options.no_judge:
        record(answers)
    return 1 if wrong or absent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
