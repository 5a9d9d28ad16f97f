"""The judge of argument lists on a made-up release: its own code answers, and nothing of it is installed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / "tools"
sys.path.append(str(TOOLS))

from vllm_judge.apart import NoAnswer, forked  # noqa: E402
from vllm_judge.arguments import judge, plain  # noqa: E402

RELEASE = {
    "__init__.py": "import torch, vllm.envs\nassert torch.__version__ > '2'\n",
    "envs.py": "import os\nassert not [name for name in os.environ if name.startswith('VLLM_LOG')]\n",
    "engine/arg_utils.py": "",
    "entrypoints/openai/cli_args.py": """
        import argparse
        import importlib.util
        import regex as re
        import torch
        import transformers
        from pydantic import TypeAdapter
        from pydantic.dataclasses import dataclass
        from torch.library import infer_schema
        from transformers import PretrainedConfig
        from vllm import _C

        class Config(PretrainedConfig, torch.nn.Module):
            kind: torch.dtype | None = None

        @torch.inference_mode()
        def run(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]: ...

        assert infer_schema(run).count("Tensor") == 3
        assert importlib.util.find_spec("transformers") is None
        assert issubclass(Config, PretrainedConfig) and not isinstance(1, torch.Tensor)

        @dataclass
        class Compilation:
            mode: int = 0
            dtype: torch.dtype | None = None

        class FlexibleArgumentParser(argparse.ArgumentParser):
            pass

        def number(text):
            if not re.fullmatch(r"[0-9]+k?", text):
                raise argparse.ArgumentTypeError("no number")
            return int(text.replace("k", "000"))

        def make_arg_parser(parser):
            parser.add_argument("model_tag", nargs="?")
            parser.add_argument("--model")
            parser.add_argument("--max-model-len", type=number)
            parser.add_argument("--reasoning-parser", default="")
            parser.add_argument("--compilation-config", type=TypeAdapter(Compilation).validate_json)
            return parser

        def validate_parsed_serve_args(args):
            if args.max_model_len == 7:
                raise TypeError("Error: 7 is not served")
        """,
    "entrypoints/openai/api_server.py": """
        import socket
        import uvloop
        from vllm.entrypoints.openai.cli_args import make_arg_parser

        def create_server_socket(address):
            raise AssertionError("the port is not to be opened")

        def setup_server(args):
            if args.max_model_len == 8:
                socket.socket()
            if args.max_model_len == 9:
                raise SystemExit(3)
            create_server_socket(None)
        """,
    "reasoning/__init__.py": """
        class ReasoningParserManager:
            reasoning_parsers = {"qwen3": 1}

            @classmethod
            def get_reasoning_parser(cls, name):
                raise KeyError(f"{name} not found in {__file__}")
        """,
}


def unindented(text: str) -> str:
    """Of a text that is indented as it stands here."""
    return "\n".join(line.removeprefix(" " * 8) for line in text.splitlines())


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release."""
    root = tmp_path_factory.mktemp("vllm-9.9.9")
    for name, text in RELEASE.items():
        path = root / "vllm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unindented(text), "utf-8")
        for folder in [folder for folder in path.parents if root in folder.parents]:
            (folder / "__init__.py").touch()
    return root


def test_each_stage_refuses_in_its_own_words(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "x")
    asked = {
        "none": [],
        "right": ["--max-model-len=32k", '--compilation-config={"mode": 3, "dtype": "x"}'],
        "qwen": ["--reasoning-parser=qwen3"],
        "word": ["word"],
        "number": ["--max-model-len=4k5"],
        "unknown": ["--nosuch"],
        "json": ['--compilation-config={"mode": "x"}'],
        "check": ["--max-model-len=7"],
        "network": ["--max-model-len=8"],
        "exit": ["--max-model-len=9"],
        "name": ["--reasoning-parser=nosuch"],
    }
    lists = [{"id": name, "args": args} for name, args in asked.items()]
    found = {answer["id"]: answer for answer in judge(str(release), lists)}
    accepted = {name for name, answer in found.items() if answer["accepts"]}
    assert accepted == {"none", "right", "qwen", "word"} and found["word"]["tag"] == "word"
    said = {name: (found[name]["stage"], found[name]["says"]) for name in asked if name not in accepted}
    assert said.pop("json")[0] == "parser"
    assert said == {
        "number": ("parser", "argument --max-model-len: no number"),
        "unknown": ("parser", "unrecognized arguments: --nosuch"),
        "check": ("serve", "TypeError: Error: 7 is not served"),
        "network": ("serve", "PermissionError: a question is answered without network"),
        "exit": ("serve", "ends with status 3"),
        "name": ("serve", "KeyError: 'nosuch not found in /vllm/reasoning/__init__.py'"),
    }
    assert all(answer["asked"] == ["parser", "serve"] for answer in found.values())


def test_the_command_writes_an_answer_a_line(release: Path, tmp_path: Path) -> None:
    (tmp_path / "lists.jsonl").write_text('{"id":"a","args":[]}\n{"id":"b","args":["--x"]}\n', "utf-8")
    command = [sys.executable, str(TOOLS / "vllm_judge"), "arguments", "--release", str(release)]
    subprocess.run([*command, "lists.jsonl", "-o", "answers.jsonl"], cwd=tmp_path, check=True)
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text("utf-8").splitlines()]
    assert [(line["id"], line["accepts"]) for line in lines] == [("a", True), ("b", False)]


def test_a_fork_has_limits_and_leaves_nothing_behind() -> None:
    assert forked(lambda: {"a": [1]}, seconds=5, mebibytes=8192) == {"a": [1]}
    for work in (lambda: time.sleep(60), lambda: os._exit(0), lambda: len(bytearray(1 << 40)), socket.socket):
        with pytest.raises(NoAnswer):
            forked(work, seconds=0.5, mebibytes=8192)
    socket.socket().close()


def test_what_vllm_says_is_one_short_line_without_this_machine() -> None:
    says = "a\n  b at 0x7f0123456789\n    For further information visit https://errors.pydantic.dev/2/v/x"
    assert plain(f"/x/9.9.9/vllm/a.py {says}", Path("/x/9.9.9")) == "/vllm/a.py a b at 0x"
    assert len(plain("x" * 500, Path("/x"))) == 120
