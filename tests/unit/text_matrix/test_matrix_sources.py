"""Files and variables that others write, hostile in each text, through the commands that read them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcar_tui.core.settings_table import KEYS, variable_of
from support.hostile_text import GROUPS, payload, shape_faults, some
from support.in_process import harmed, said

CAR = {
    "name": "granite-3.1-8b-instruct",
    "image": "oci://127.0.0.1:1/rhelai1/modelcar-granite-3-1-8b-instruct:1.5",
    "serving_arguments": {"gpu_count": 1, "args": ["--max-model-len=131072"]},
}
JUDGED = ["--gpu", "L40S:4", "--no-qa", "--no-llm", "--state-dir", "state"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Three kinds a test, other ones in the next."""
    at = sum(map(ord, metafunc.function.__name__))
    kinds = [one for step in (0, 2, 4) for one in some(GROUPS, at + step)]
    metafunc.parametrize("text", [*dict.fromkeys(kinds)], indirect=True)


@pytest.fixture
def text(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is hostile; the test works in its own folder, without a cluster."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nonesuch"))
    return payload(request.param)


def check(*lines: list[str]) -> None:
    """Run each command; nothing of its output may act, hide or be a secret, and a machine's form is whole."""
    found = []
    for words in lines:
        status, out, err = said(words)
        form = words[words.index("--format") + 1] if "--format" in words else ""
        told = harmed(status, out, err) + (shape_faults(form, out.decode()) if out else [])
        found += [f"{' '.join(words)[:60]!r}: {one}" for one in told]
    assert not found, "\n".join(found)


def linted(path: str) -> list[list[str]]:
    return [["lint", path, "--style", "--format", form] for form in ("text", "json", "sarif", "github")]


def test_the_name_of_a_file_and_of_its_folder(text: str) -> None:
    # Without the slashes of an address its login has no shape.
    name = re.sub(r"https?://\S+", "", text).replace("/", "_")
    name = name.encode(errors="surrogateescape")[:200].decode(errors="surrogateescape")
    folder = Path(name)
    folder.mkdir()
    path = folder / f"{name[:100]}.base.yaml"
    path.write_text(json.dumps({"model-car": [{**CAR, "nonesuch": 1}]}))
    (folder / "config.json").write_text("{}")
    check(
        *linted(str(path)),
        ["--config", str(path), *JUDGED],
        ["configuration", "--config", str(path), "--state-dir", "state"],
        ["configuration", "--config", str(path), "--state-dir", "state", "--format", "jsonl"],
        ["plan", str(path), *JUDGED[:2], *JUDGED[3:], "-o", str(folder / "plan.json")],
        ["manifest", str(path), *JUDGED[:2], *JUDGED[3:], "-o", str(folder / "out.yaml")],
        ["estimate", str(folder), "--gpu", "L40S"],
        ["accelerator", "--gpu", "L40S:4", "--state-dir", "state", "-o", str(folder / "gpus.json")],
        ["runs", "--state-dir", str(folder)],
    )


def test_what_a_manifest_holds(text: str) -> None:
    hostile = {
        "name": f"granite {text}",
        "image": f"oci://registry.example/{text}",
        text: text,
        "serving_arguments": {
            "gpu_count": text,
            "args": [text, f"--served-model-name={text}", f"--{text}", f"--chat-template={text}"],
        },
    }
    Path("m.yaml").write_text(json.dumps({"model-car": [hostile, CAR], text: text}))
    check(
        *linted("m.yaml"),
        ["--config", "m.yaml", *JUDGED],
        ["--config", "m.yaml", *JUDGED, "--format", "jsonl"],
        ["plan", "m.yaml", *JUDGED[:2], *JUDGED[3:]],
        ["manifest", "m.yaml", *JUDGED[:2], *JUDGED[3:], "--kind", "model-car"],
    )


def test_what_a_list_of_nodes_holds(text: str) -> None:
    label = {"nvidia.com/gpu.product": f"NVIDIA-L40S {text}", text: text, "nvidia.com/gpu.memory": "46068"}
    taint = {"key": text, "value": text, "effect": "NoSchedule"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"n {text}", "labels": label, "annotations": {text: text}},
        "spec": {"taints": [taint], "providerID": text},
        "status": {
            "allocatable": {"nvidia.com/gpu": "4", f"x.example/{text}": "1", "cpu": text},
            "capacity": {"nvidia.com/gpu": "4"},
            "conditions": [{"type": "Ready", "status": "False", "reason": text, "message": text}],
            "nodeInfo": {"kubeletVersion": text},
        },
    }
    Path("nodes.json").write_text(json.dumps({"apiVersion": "v1", "kind": "NodeList", "items": [node]}))
    given = ["accelerator", "--inventory", "nodes.json", "--state-dir", "state", "--format"]
    check(*([*given, form] for form in ("text", "json", "jsonl")))


def test_what_a_kubeconfig_holds(text: str) -> None:
    entry = {
        "contexts": [{"name": f"c {text}", "context": {"cluster": text, "user": text, "namespace": text}}],
        "clusters": [{"name": text, "cluster": {"server": f"https://127.0.0.1:1/{text}"}}],
        "users": [{"name": text, "user": {"exec": {"command": text, "args": [text], "apiVersion": text}}}],
    }
    config = {"apiVersion": "v1", "kind": "Config", "current-context": f"c {text}", **entry}
    Path("kc").write_text(json.dumps(config))
    given = ["accelerator", "--kubeconfig", "kc", "--state-dir", "state"]
    check(
        given, [*given, "--context", "nonesuch"], [*given, "--format", "jsonl"], [*given, "--format", "json"]
    )


def test_what_a_file_of_settings_holds(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.dumps(text, ensure_ascii=True).replace("\\udc", "\\u00")
    lines = [f"{told} = {told}", f"theme = {told}", "[keys]", f"review = {told}", f"{told} = {told}"]
    lines += ["[profiles.x]", f"context = {told}", f"[profiles.{told}]", f"{told} = 1", f"[themes.{told}]"]
    Path("config.toml").write_text("\n".join([*lines, f"base = {told}", ""]))
    monkeypatch.setenv("MODELCAR_TUI_CONFIG", "config.toml")
    Path("m.yaml").write_text(json.dumps({"model-car": [CAR]}))
    check(["config"], ["config", "--check"], ["config", "--profile", "x"], ["doctor", "--offline"])
    check(["--config", "m.yaml", *JUDGED])


def test_what_variables_hold(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("m.yaml").write_text(json.dumps({"model-car": [CAR]}))
    for name in ("TERM", "KUBECONFIG", "MODELCAR_TUI_LINT_IGNORE", "MODELCAR_TUI_CONFIG", "USER", "LOGNAME"):
        with monkeypatch.context() as patch:
            patch.setenv(name, text)
            check(["config"], ["lint", "m.yaml"], ["accelerator", "--state-dir", "state"])
    for key in KEYS:
        with monkeypatch.context() as patch:
            patch.setenv(variable_of(key), text)
            check(["config"], ["runs"])


def test_what_a_plan_and_a_measurement_hold(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path: Callable[[str], Path] = Path
    path("m.yaml").write_text(json.dumps({"model-car": [CAR]}))
    said(["plan", "m.yaml", *JUDGED[:2], *JUDGED[3:], "-o", "plan.json"])
    plan = json.loads(path("plan.json").read_text())
    for name in [*plan]:
        path("odd.json").write_text(json.dumps({**plan, name: text}))
        check(["apply", "odd.json", "--accept", "all", "--state-dir", "state"])
    monkeypatch.setenv("MODELCAR_TUI_DATA_DIR", str(path("data").absolute()))
    path("data/measurements").mkdir(parents=True)
    path("data/measurements/a.json").write_text(json.dumps({"id": text, "model": text, text: text}))
    check(["measurements"], ["measurements", "show", text], ["measurements", "--format", "json"])
