"""The architectures whose model in vLLM takes images, films or sound.

    python tools/multimodal.py .vllm-judge/releases/*

Reads every release's registry and model files by `ast` alone (nothing of theirs is imported or run), and
writes `src/modelcar_tui/models/towers/multimodal.json`: what any of them registers with a class that is
derived from `SupportsMultiModal`. Drafts and what has an encoder-decoder's sizes are left out.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

TABLE = Path(__file__).parent.parent / "src/modelcar_tui/models/towers/multimodal.json"
_MARKS = ("SupportsMultiModal", "SupportsVision")
_ROW = re.compile(r'"(\w+)":\s*\(\s*"[\w.]+",\s*"(\w+)"')
_ONLY_WITH_PART = ("ChatGLM", "QWenLMHeadModel", "TransformersForMultimodalLM", "Whisper", "CohereAsr")
"""Those see only where config.json describes it (the first releases of these), or are no tower's."""


def bases(folder: Path) -> Mapping[str, set[str]]:
    """The names of each class's bases in a release's model files."""
    found: dict[str, set[str]] = {}
    for file in (*folder.glob("model_executor/models/*.py"), *folder.glob("models/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                names = (ast.unparse(base).split("[")[0].rsplit(".", 1)[-1] for base in node.bases)
                found.setdefault(node.name, set()).update(names)
    return found


def architectures(folder: Path) -> Iterator[str]:
    """What a release registers with a class that takes more than text."""
    derived = bases(folder)

    def takes(name: str, seen: frozenset[str] = frozenset()) -> bool:
        if name in _MARKS:
            return True
        return name not in seen and any(takes(base, seen | {name}) for base in derived.get(name, ()))

    models = folder / "model_executor/models"
    registry = next(file for name in ("registry.py", "__init__.py") if (file := models / name).exists())
    for name, model in _ROW.findall(registry.read_text("utf-8")):
        if takes(model) and not name.endswith(("MTP", "MTPModel")) and not name.startswith(_ONLY_WITH_PART):
            yield name


def main(argv: list[str]) -> int:
    """Write the table; the number of architectures is told."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("releases", type=Path, nargs="+", help="where releases of vLLM's lie unpacked")
    options = parser.parse_args(argv)
    names = sorted({name for release in options.releases for name in architectures(release / "vllm")})
    source = "vllm model_executor/models: classes of the registry that are SupportsMultiModal, of any release"
    TABLE.write_text(json.dumps({"source": source, "architectures": names}, indent=1) + "\n", "utf-8")
    print(f"{len(names)} architectures")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
