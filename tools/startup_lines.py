"""Which lines that vLLM's sources log at the start does `StartupLog` not read, which refusals not explain?

    python tools/startup_lines.py RELEASE...       # a version, an archive, or a folder with vllm/ in it
    python tools/startup_lines.py FOLDER           # with a folder a release

A version is fetched as `tools/vllm_judge` does. Each log call whose text speaks of what the reader is for is
written out with sample values and given to the reader; so is each exception whose text speaks of a refusal.
Prints the forms by release, those that give no figure, begin no stage or explain nothing marked, and ends
with 1 where there is such a form.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from modelcar_tui.vllm import StartupLog, startup_figures
from modelcar_tui.vllm.startup_stages import begun_by

_ABOUT = re.compile(
    r"Loading model weights took|Model loading took|Available KV cache memory|reserved for KV Cache"
    r"|memory for KV Cache|KV cache size: |# \S+ blocks: |Maximum concurrency for|Graph capturing finished"
    r"|init engine \(|Actual usage is|Estimated CUDA graph memory: |Using max model len"
    r"|Auto-fit max_model_len: [rf]|GiB for KV cache|can use total_gpu_memory"
)
_STAGES = re.compile(
    r"^(?:vLLM (?:API )?server version %|Initializing (?:an? )?(?:V\d )?LLM engine|Starting to load model %"
    r"|Starting vLLM (?:API )?server|non-default args)"
)
_REFUSES = re.compile(
    r"KV cache is needed|No available memory for the cache|on startup is less than desired|stored in KV cache"
    r"|out of memory occurred when|not supported for the current GPU|Unknown quantization method"
    r"|only supported on GPUs with compute|architectures .* not supported for now|was supported in vLLM until"
    r"|No valid attention backend|MoE backend supports|User-specified max_model_len|Cannot auto-fit"
)
_PLACEHOLDER = re.compile(r"%[\d.]*[sdfi]|\{\}")
_OTHERS = (
    "# CPU blocks: %d",
    "Multiplying the GPU KV cache size by",
    "Auto-fit max_model_len: attention-free",
    "Overriding",
)
"""Forms that speak of something else, by their beginning."""
_LOGS = re.compile(r"(?:info|warning|debug)(?:_once)?$")


def main(wheres: list[str]) -> int:
    """Print the forms; the exit status."""
    forms: dict[tuple[str, str], list[str]] = {}
    for name, folder in _releases(wheres):
        for found in sorted(set(_forms(folder / "vllm"))):
            forms.setdefault(found, []).append(name)
    unread = 0
    for (kind, form), names in sorted(forms.items()):
        sample = _PLACEHOLDER.sub("1", form).replace("\n", " ").strip()
        said = _READERS[kind](sample)
        other = form.startswith(_OTHERS)
        unread += not said and not other
        words = said or ("of something else" if other else "NOT READ")
        print(f"{names[0]} to {names[-1]} ({len(names)}): {form!r}: {words}")
    return 1 if unread else 0


def _releases(wheres: list[str]) -> Iterator[tuple[str, Path]]:
    for where in wheres:
        folder = Path(where)
        if folder.is_dir() and not (folder / "vllm").is_dir():
            yield from ((one.name, one) for one in sorted(folder.iterdir(), key=_number))
        elif folder.is_dir():
            yield folder.resolve().name, folder
        else:
            sys.path.append(str(Path(__file__).parent))
            from vllm_judge.source import unpacked, version_of

            yield version_of(where), unpacked(where)


def _figures(sample: str) -> str:
    return ", ".join(one.what for one in startup_figures(sample))


def _refusal(sample: str) -> str:
    log = StartupLog()
    log.feed("Traceback (most recent call last):")
    log.feed(f"RuntimeError: {sample}")
    return log.end(healthy=False, exit_status=1).outcome.replace("died", "")


_READERS: dict[str, Callable[[str], str]] = {"figure": _figures, "refusal": _refusal, "stage": begun_by}


def _forms(sources: Path) -> Iterator[tuple[str, str]]:
    """The kinds and texts of log calls and exceptions that are about it."""
    for path in sources.rglob("*.py"):
        text = path.read_text(encoding="utf-8", errors="replace")
        tree = ast.parse(text)
        names = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                first = node.args[0]
                said = _text(names.get(first.id, first) if isinstance(first, ast.Name) else first)
                yield from _about(node.func, said)


def _about(function: ast.expr, said: str) -> Iterator[tuple[str, str]]:
    """What a call says of a start."""
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if isinstance(function, ast.Attribute) and _LOGS.match(name):
        if _ABOUT.search(said):
            yield "figure", said
        elif _STAGES.search(said):
            yield "stage", said
    elif name.endswith(("Error", "Exception")) and _REFUSES.search(said):
        yield "refusal", said


def _text(node: ast.AST) -> str:
    """A text constant, or an f-string with `{}` for its values; of texts that are added, all."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return ""


def _number(folder: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", folder.name)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
