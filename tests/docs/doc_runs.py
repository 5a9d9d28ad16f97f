"""A folder in which a page's commands can be run: both programs of this tree, sample files, no network."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from doc_pages import ROOT, commands
from doc_server import call_of

SAMPLE = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args:
        - --max-model-len=2048
        - --distributed-executor-backend=mp
"""
_ROOM = {"cpu": "64", "memory": "512Gi", "ephemeral-storage": "500Gi", "nvidia.com/gpu": "4", "pods": "250"}
NODE = {
    "kind": "Node",
    "metadata": {
        "name": "gpu-a",
        "labels": {
            "nvidia.com/gpu.product": "NVIDIA-L40S",
            "nvidia.com/gpu.memory": "46068",
            "nvidia.com/gpu.count": "4",
            "nvidia.com/gpu.compute.major": "8",
            "nvidia.com/gpu.compute.minor": "9",
        },
    },
    "status": {
        "allocatable": _ROOM,
        "capacity": _ROOM,
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": {"architecture": "amd64", "operatingSystem": "linux"},
    },
}
POD = {
    "kind": "Pod",
    "metadata": {"name": "a", "namespace": "a"},
    "spec": {
        "nodeName": "gpu-a",
        "containers": [
            {
                "name": "a",
                "resources": {"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}},
            }
        ],
    },
    "status": {"phase": "Running"},
}
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
}
_MODULES = {"agent": "modelcar_tui.agent", "modelcar-tui": "modelcar_tui.cli"}
_NOWHERE = "http://127.0.0.1:9"
"""A proxy that nobody listens at: what would leave this machine fails at once."""
_MARK = "\x1e"
_NEVER = (
    *(
        "curl",
        "git",
        "kubectl",
        "loginctl",
        "make",
        "npx",
        "oc",
        "pip",
        "podman",
        "python3",
        "scp",
        "skopeo",
        "ssh",
    ),
    *("sudo", "systemctl", "tmux", "usermod", "uv", "wget"),
)
"""What no page may start in a test: it would reach out, install, or change this machine."""
_REFUSES = """\
#!/bin/sh
echo "$0 is not started by a test: say why before the block, <!-- not run: ... -->" >&2
exit 97
"""


class Ran(NamedTuple):
    """One command of a block, and how it ended."""

    text: str
    status: int
    out: str
    err: str


def furnish(folder: Path) -> dict[str, str]:
    """Put the files that pages name into a folder; returns the environment to run in."""
    programs = folder / ".bin"
    programs.mkdir(parents=True)
    for name, module in _MODULES.items():
        (programs / name).write_text(call_of(module))
        (programs / name).chmod(0o755)
    for name in _NEVER:
        (programs / name).write_text(_REFUSES)
        (programs / name).chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    (folder / "file.yaml").write_text(SAMPLE)
    (folder / "nodes.json").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": [NODE, POD]}))
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text(json.dumps(CONFIG))
    (folder / "auth.json").write_text('{"auths": {}}')
    (folder / "registries.conf").write_text(
        '[[registry]]\nprefix = "quay.io"\nlocation = "127.0.0.1:9/quay"\n'
    )
    for name in ("config-yaml", "demo-logs", "ci"):
        if (ROOT / name).is_dir():
            copied = ["cp", "-r", str(ROOT / name), str(folder / name)]
            subprocess.run(copied, check=True)
    (folder / ".home").mkdir()
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(folder / ".home"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "USER": "operator",
        "TERM": "dumb",
        "MODELCAR_TUI_QA_SPEED": "0",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"), _NOWHERE),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def run_block(text: str, folder: Path, environment: dict[str, str]) -> list[Ran]:
    """Run the commands of a block in one bash, one after another, whatever each ends with."""
    told = commands(text)
    lines = [f"{{ {one}\n}}; printf '{_MARK}%s{_MARK}' $? | tee /dev/stderr" for one in told]
    done = subprocess.run(
        ["bash", "--norc", "-o", "pipefail", "-c", "\n".join(lines)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    outs, errs = (re.split(f"{_MARK}(\\d+){_MARK}", text) for text in (done.stdout, done.stderr))
    return [
        Ran(one, int(outs[2 * index + 1]), outs[2 * index], errs[2 * index]) for index, one in enumerate(told)
    ]


def alike(shown: str, told: str) -> bool:
    """Whether a page shows what was told: `...` stands for anything, in a line or on lines of its own.

    Blanks at the end of a line count for nothing.
    """
    tidy = [re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).strip("\n") for text in (shown, told)]
    pattern = re.escape(tidy[0]).replace(re.escape("..."), r"[\s\S]*?")
    return re.fullmatch(pattern, tidy[1]) is not None


def home_of(environment: dict[str, str]) -> str:
    """The operator's home in these runs, which pages write as ~."""
    return environment["HOME"] + os.sep
