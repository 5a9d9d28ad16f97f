"""`python tools/vllm_judge QUESTION ...`: asks vLLM's own code. Each question is a module of this package."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # a folder that is run knows its modules, but not itself

QUESTIONS = ("arguments", "memory", "contexts", "serve", "environment", "cover", "configs", "backend")


def main() -> int:
    """Each module has `add_arguments(parser)` and `run(options)`; the first line of its text is its help.

    What stands behind `--` is `options.args`.
    """
    parser = argparse.ArgumentParser(prog="vllm_judge", description=__doc__)
    questions = parser.add_subparsers(dest="question", required=True)
    for name in QUESTIONS:
        module = importlib.import_module(f"vllm_judge.{name}")
        about = (module.__doc__ or "").partition("\n")[0]
        one = questions.add_parser(
            name, help=about, description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        module.add_arguments(one)
        one.set_defaults(run=module.run)
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:cut], argparse.Namespace(args=words[cut + 1 :]))
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
