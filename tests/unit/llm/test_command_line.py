"""The command as it is typed: who is asked, what it says of it, and that the key is nowhere to be read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from support.llm_server import LlmServer, _gemini, _openai
from support.played import Seen, answer, say, tried

AGENT = Path(sys.executable).parent / "agent"
KEY = "sk-planted-0123456789abcdef"
TOOL = {"tool": "what_if", "args": {"model": "m", "max_model_len": 4096}}
MANIFEST = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments: {gpu_count: 1, args: ["--max-model-len=8192"]}
"""


def reply(asked: dict[str, Any]) -> str:
    if "suggest" in asked["system"]:
        return '{"first": [], "changes": []}'
    seen = Seen(asked)
    if not seen.turn:
        return tried(model="model-1", max_model_len=4096)
    return answer(say(*seen.ids("verdict", of_what_if="what-if-1")))


@pytest.mark.parametrize("dialect", ["gemini", "openai"])
@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_run_and_a_question_keep_the_key_out_of_everything(
    dialect: str, place: str, tmp_path: Path, registry: Any
) -> None:
    manifest, state = tmp_path / "m.base.yaml", tmp_path / "state"
    manifest.write_text(MANIFEST)
    variable = f"{dialect.upper()}_API_KEY"
    env = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    if place == "environment":
        env[variable] = KEY
    else:
        file = tmp_path / "key"
        file.write_text(KEY)
        file.chmod(0o600)
        env[f"{variable}_FILE"] = str(file)
    with LlmServer(reply, dialect=dialect) as server:
        model = ["--model", f"{'google' if dialect == 'gemini' else 'openai'}:ok", "--model-url", server.url]
        common = [*model, "--state-dir", str(state), "--vllm", "0.11.2"]
        conf = ["--registries-conf", str(registry.registries_conf_path)]
        wait = ["--llm-wait", "20"]
        run = ["--config", str(manifest), "--gpu", "NVIDIA-L40S:1", "--no-qa", *wait, *conf, *common]
        first = watched([str(AGENT), *run], env)
        second = watched([str(AGENT), "ask", "last", "what if granite had half its context?", *common], env)
        requests = list(server.requests)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    told = first.stderr.index(f"asking {model[1].replace('google', 'gemini')} at 127.0.0.1:")
    assert told < first.stderr.index("configuration: "), "said before anything is found out"
    assert "never: names, images, hosts, users, paths" in first.stdout, "and listed in the report"
    assert "Cost: 1 call (0 failed), 40 tokens in, 7 out" in first.stdout
    assert second.stdout.startswith(
        "With --max-model-len=4096 granite-3.1-8b-instruct would be GO (this run, as it is: GO): "
    )
    assert "(the language model chose the facts, the words are the program's; 2 calls" in second.stdout
    assert KEY not in first.stdout + first.stderr + second.stdout + second.stderr
    kept = [path for path in state.rglob("*") if path.is_file()]
    assert len(kept) >= 4
    assert [path for path in kept if KEY.encode() in path.read_bytes()] == []
    assert requests and not any(KEY in request.path or KEY in request.text for request in requests)
    header = "x-goog-api-key" if dialect == "gemini" else "Authorization"
    named = [{name.casefold(): value for name, value in request.headers.items()} for request in requests]
    assert all(KEY in headers[header.casefold()] for headers in named)


def watched(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The finished command; its arguments, and its children's, never held the key."""
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    assert KEY.encode() not in path.read_bytes(), path
                except OSError:
                    continue
            time.sleep(0.05)
        out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.mark.parametrize("tool", [None, TOOL, [TOOL, TOOL]])
@pytest.mark.parametrize("finish", ["", "stop", "max", "safety"])
def test_the_server_speaks_what_the_makers_libraries_define(tool: Any, finish: str) -> None:
    """Its events fit the providers' own types, with no field that those don't know."""
    from google.genai.types import GenerateContentResponse
    from openai.types.chat import ChatCompletionChunk

    spoken = _gemini("a word ", tool, finish)
    heard = GenerateContentResponse.model_validate(spoken, extra="forbid")
    assert (heard.candidates[0].finish_reason is not None) is bool(finish)
    calls = [part.function_call for part in heard.candidates[0].content.parts if part.function_call]
    assert len(calls) == (0 if tool is None else len(tool) if isinstance(tool, list) else 1)
    chunk = ChatCompletionChunk.model_validate(_openai("a word ", tool, finish), strict=False)
    assert (
        not chunk.model_extra and not chunk.choices[0].model_extra and not chunk.choices[0].delta.model_extra
    )
    assert len(chunk.choices[0].delta.tool_calls or ()) == len(calls)
