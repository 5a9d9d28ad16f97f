"""Take what is mended off the list of differences between vLLM's own figures and ours.

python tools/known_gaps.py               only takes off; a new difference stays a failure of the tests
python tools/known_gaps.py --add         also adds, after new answers of the judge: review each row
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "unit" / "memory"))

import vllm_memory
from vllm_memory import Gap


def main(argv: list[str] | None = None) -> int:
    """Write the list anew, one row a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--add", action="store_true", help="add differences that are not listed")
    options = parser.parse_args(argv)
    listed = vllm_memory.known() if vllm_memory.KNOWN.exists() else {}
    kept: dict[str, list[Gap]] = {}
    for release in vllm_memory.releases():
        with tempfile.TemporaryDirectory() as folder:
            found = list(vllm_memory.gaps(release, Path(folder)))
        names = {(gap.job, gap.what) for gap in listed.get(release, [])}
        kept[release] = [gap for gap in found if options.add or (gap.job, gap.what) in names]
        print(f"{release}: {len(kept[release])} of {len(found)} differences are listed")
    vllm_memory.KNOWN.parent.mkdir(parents=True, exist_ok=True)
    vllm_memory.KNOWN.write_text(_text(kept), "utf-8")
    print(f"in all {sum(map(len, kept.values()))}")
    return 0


def _text(gaps: dict[str, list[Gap]]) -> str:
    parts = []
    for release, rows in gaps.items():
        lines = ",\n".join("  " + json.dumps(msgspec.to_builtins(row), ensure_ascii=False) for row in rows)
        parts.append(f' "{release}": [\n{lines}\n ]' if rows else f' "{release}": []')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
