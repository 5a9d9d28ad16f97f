"""The next release, made up: everything new in it is seen, said, and answered by the product as not read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_vllm import CONFIG, ENGINE, MODELS, PLANNING, written

ROOT = Path(__file__).parents[3]
CHANGES = {
    MODELS + "registry.py": ('"A": ("a", "A"),', '"A": ("a", "A"), "Brandnew": ("c", "C"),'),
    CONFIG: ("= 0.92", "= 0.85"),
    ENGINE: ('add("--seed"', 'add("--brand-new", type=int, default=7)\n        add("--seed"'),
    "vllm/tool_parsers/__init__.py": ('{"hermes"', '{"zeus": ("file", "Class"), "hermes"'),
    PLANNING: ("available_memory // num_layers", "available_memory // (num_layers + 1)"),
    "vllm/envs.py": ('"VLLM_FAST", "1"', '"VLLM_FAST", "0"'),
}


def run(*arguments: str, home: Path) -> tuple[int, str, str]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}/tools:{ROOT}/src", "VLLM_JUDGE_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "vllm_tables", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


class Checkout:
    """A copy of the package whose tables may be written, with two made-up releases beside it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.package = folder / "src" / "modelcar_tui"
        shutil.copytree(
            ROOT / "src" / "modelcar_tui", self.package, ignore=shutil.ignore_patterns("__pycache__")
        )
        self.fingerprints = folder / "fingerprints.json"
        watched = {
            "get_num_blocks": {"ours": "memory/kv/grouping.py", "below": ["vllm/v1/core/"], "known": []}
        }
        self.fingerprints.write_text(json.dumps({"about": "", "read": [], "functions": watched}), "utf-8")
        written(self.home / "releases", "0.33.0").rename(self.home / "releases" / "0.33.0")
        changes = dict(CHANGES)
        self.next = written(folder, "0.34.0", changes)
        batch = self.next / ENGINE
        batch.write_text(
            batch.read_text("utf-8").replace("OPENAI_API_SERVER: 8192", "OPENAI_API_SERVER: 6144"), "utf-8"
        )

    def make(self, *arguments: str) -> tuple[int, str, str]:
        where = ["--tables", str(self.package / "vllm"), "--fingerprints", str(self.fingerprints)]
        return run(*arguments, *where, home=self.home)

    def asks(self, code: str) -> list[str]:
        environment = os.environ | {"PYTHONPATH": str(self.package.parent)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        return [line.rstrip() for line in done.stdout.splitlines()]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    status, out, _ = made.make("0.33.0", "--looked", "all")
    assert (status, out.splitlines()[-2]) == (0, "vLLM 0.33.0 counts as read; looked at 1 changed functions")
    return made


PRODUCT = """
from modelcar_tui.vllm.profile import newer_note, profile_for
from modelcar_tui.vllm.arguments.faults import Judge
from modelcar_tui.api import judged_by
for release in ("0.33.0", "0.34.0"):
    found = profile_for(release)
    print(found.known, found.utilization, newer_note(release))
    print(Judge.of(release).release, Judge.of(release).sure("value-wrong"), judged_by(release))
"""


def test_everything_new_is_seen_said_and_answered_as_not_read(checkout: Checkout) -> None:
    status, out, _ = checkout.make(str(checkout.next))
    lines = out.splitlines()
    assert status == 1
    for line in (
        "arguments new: --brand-new",
        "tool-call parsers new: zeus",
        "architectures new: Brandnew",
        "without pipeline stages new: Brandnew",
        "defaults arguments/--brand-new: nothing -> 7",
        "defaults arguments/--gpu-memory-utilization: 0.92 -> 0.85",
        "defaults batches/server 80 GiB H100: [8192, 256] -> [6144, 256]",
        "defaults configuration/CacheConfig.gpu_memory_utilization: 0.92 -> 0.85",
        "switches environment/VLLM_FAST: True -> False",
        "LOOK get_num_blocks (copied in memory/kv/grouping.py):",
        "    -    return max(available_memory // num_layers, 0)",
        "    +    return max(available_memory // (num_layers + 1), 0)",
        "vLLM 0.34.0 counts as not read",
    ):
        assert line in lines, line
    assert [line for line in lines if line.startswith("LOOK")] == [
        "LOOK get_num_blocks (copied in memory/kv/grouping.py):"
    ]
    assert checkout.asks(PRODUCT) == [
        "True 0.92",
        "0.33.0 True",
        "False 0.85 vLLM 0.34.0 is newer than all that was read, 0.33.0 stands in",
        "0.34.0 False vLLM 0.34.0 was not looked at yet; judged by its own arguments, and not sure",
    ]


def test_once_somebody_looked_it_counts_as_read(checkout: Checkout) -> None:
    assert checkout.make(str(checkout.next))[0] == 1
    assert checkout.make(str(checkout.next), "--only", "fingerprints")[0] == 1
    status, out, _ = checkout.make(str(checkout.next), "--looked", "get_num_blocks", "--only", "fingerprints")
    assert (status, out.splitlines()[0]) == (0, "vLLM 0.34.0 counts as read; looked at 1 changed functions")
    assert checkout.make(str(checkout.next))[0] == 0
    assert checkout.asks(PRODUCT)[2:] == ["True 0.85", "0.34.0 True"]
    table = json.loads((checkout.package / "vllm" / "quantization.json").read_bytes())
    assert table["versions"][-2:] == ["0.33.0", "0.34.0"]


def test_a_function_that_is_gone_wants_a_look_once(checkout: Checkout) -> None:
    (checkout.next / PLANNING).write_text("", "utf-8")
    status, out, _ = checkout.make(str(checkout.next), "--only", "fingerprints")
    assert status == 1 and "LOOK get_num_blocks (copied in memory/kv/grouping.py):" in out
    assert checkout.make(str(checkout.next), "--only", "fingerprints", "--looked", "all")[0] == 0
    known = json.loads(checkout.fingerprints.read_bytes())["functions"]["get_num_blocks"]["known"]
    assert [since for since, _ in known] == ["0.33.0", "0.34.0"] and known[-1][1] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.tar.gz"], "nowhere.tar.gz: no folder, archive or version"),
        (["0.33.0", "--only", "poems"], "poems: no table; there are arguments, names"),
        (["0.33.0", "--looked", "poem"], "poem: no such function in fingerprints.json"),
    ],
)
def test_bad_input_is_one_clear_line(checkout: Checkout, arguments: list[str], said: str) -> None:
    status, out, error = checkout.make(*arguments)
    assert (status, out) == (2, "")
    assert error.startswith(said) and error.count("\n") == 1


def test_a_release_that_can_not_be_read_is_one_clear_line_and_nothing_is_written(checkout: Checkout) -> None:
    before = {file.name: file.read_bytes() for file in (checkout.package / "vllm").glob("*.json")}
    (checkout.next / "vllm/entrypoints/openai/cli_args.py").unlink()
    status, out, error = checkout.make(str(checkout.next))
    assert (status, out) == (2, "") and error.startswith("vLLM 0.34.0: arguments could not be read: ")
    assert {file.name: file.read_bytes() for file in (checkout.package / "vllm").glob("*.json")} == before
    nameless = checkout.next.rename(checkout.next.with_name("tree"))
    assert checkout.make(str(nameless))[2].startswith("unknown: no release's number; name the folder")
