"""Which lines that vLLM's sources log at the start does `vllm/startup_log.py` not read?

    python tools/startup_lines.py FOLDER

FOLDER holds a release's sources (`vllm/`), or a folder a release. Each log call whose text speaks of what the
reader is for is written out with sample values and given to the reader. Prints the forms by release, those
that give no figure marked, and ends with 1 where there is such a form.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from modelcar_tui.vllm import startup_figures

_ABOUT = re.compile(
    r"Loading model weights took|Model loading took|Available KV cache memory|reserved for KV Cache"
    r"|KV cache size: |# \S+ blocks: |Maximum concurrency for|Graph capturing finished|init engine \("
)
_PLACEHOLDER = re.compile(r"%[\d.]*[sdfi]|\{\}")
_OTHERS = frozenset(("# CPU blocks: %d",))
"""Forms that speak of another device."""


def main(folder: Path) -> int:
    """Print the forms; the exit status."""
    releases = [folder] if (folder / "vllm").is_dir() else sorted(folder.iterdir(), key=_number)
    forms: dict[str, list[str]] = {}
    for release in releases:
        for form in sorted(set(_forms(release / "vllm"))):
            forms.setdefault(form, []).append(release.name)
    unread = 0
    for form, names in sorted(forms.items()):
        found = [one.what for one in startup_figures(_PLACEHOLDER.sub("1", form).replace("\n", " "))]
        missed = not found and form not in _OTHERS
        unread += missed
        said = ", ".join(found) or ("NOT READ" if missed else "not of the GPU")
        print(f"{names[0]} to {names[-1]} ({len(names)}): {form!r}: {said}")
    return 1 if unread else 0


def _forms(sources: Path) -> Iterator[str]:
    """The texts of log calls that are about it."""
    for path in sources.rglob("*.py"):
        text = path.read_text(encoding="utf-8", errors="replace")
        if not _ABOUT.search(text):
            continue
        tree = ast.parse(text)
        names = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                first = node.args[0]
                said = _text(names.get(first.id, first) if isinstance(first, ast.Name) else first)
                if node.func.attr.startswith("info") and _ABOUT.search(said):
                    yield said


def _text(node: ast.AST) -> str:
    """A text constant, or an f-string with `{}` for its values."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return ""


def _number(folder: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", folder.name)]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
