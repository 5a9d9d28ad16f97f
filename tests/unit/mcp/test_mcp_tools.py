"""Each tool by the SDK's own client, in this process or over real standard streams: good, bad and hostile
questions."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp import Client, MCPError

from modelcar_tui import Problem, UserError
from modelcar_tui.mcp.serving import AT_ONCE
from support.mcp_server import ENV_SECRET

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "torch_dtype": "bfloat16",
}
SECRETS = ("hf_CanaryCanaryCanaryCanaryCanary1234", ENV_SECRET, "canary-api-key-0815")
MANIFEST = f"""model-car:
  - name: {ENV_SECRET}
    image: oci://quay.io/org/small:1
    serving_arguments:
      gpu_count: 1
      args: ["--max-model-lenn=8192", "--api-key=canary-api-key-0815", "--hf-token={SECRETS[0]}"]
"""
WRITES = ("write", "delete", "apply", "approve", "qa", "secret", "token", "password", "kubeconfig")


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer of a call that must succeed, held against the tool's own schema."""
    told = await client.call_tool(tool, arguments)
    assert not told.is_error, told.content
    schemas = {one.name: one.output_schema for one in (await client.list_tools()).tools}
    jsonschema.validate(told.structured_content, schemas[tool] or {})
    assert isinstance(told.structured_content, dict)
    assert told.content[0].text  # type: ignore[union-attr]
    return told.structured_content


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """The one line of a call that must be refused."""
    told = await client.call_tool(tool, arguments)
    assert told.is_error
    text: str = told.content[0].text  # type: ignore[union-attr]
    assert text
    assert "\n" not in text
    assert "Traceback" not in text
    return text


async def test_all_tools_only_read_and_take_no_secret(started: Callable[..., Any]) -> None:
    async with started() as client:
        assert client.server_info.name == "modelcar-tui"
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["estimate", "lint", "inventory", "explain_run", "list_runs"]
        for tool in tools:
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is True
            assert tool.annotations.destructive_hint is False
            assert tool.input_schema["additionalProperties"] is False
            assert tool.output_schema is not None
            assert tool.output_schema["type"] == "object"
            jsonschema.Draft202012Validator.check_schema(tool.input_schema)
            jsonschema.Draft202012Validator.check_schema(tool.output_schema)
            assert not [name for name in tool.input_schema["properties"] if name in WRITES]
        with pytest.raises(MCPError, match="no such tool: apply"):
            await client.call_tool("apply", {})


async def test_an_estimate_has_units_sources_and_reasons(connected: Callable[..., Any], root: Path) -> None:
    (root / "config.json").write_text(json.dumps(CONFIG))
    async with connected(offline=True) as client:
        told = await answer(client, "estimate", source="config.json", gpu="L40S", terms=True)
        assert told["starts"] is True
        weights = told["figures"]["weights_gib"]
        assert weights["unit"] == "GiB"
        assert weights["value"] > 1
        assert weights["terms"]
        assert told["figures"]["kv_tokens"]["unit"] == "tokens"
        blind = await answer(client, "estimate", source="config.json", gpu="Nonesuch-9000")
        assert blind["starts"] is None
        assert blind["gpu"]["memory"]["value"] is None
        assert blind["gpu"]["memory"]["why"]
        unknown = [figure for figure in blind["figures"].values() if figure["value"] is None]
        assert unknown
        assert all(figure["why"] for figure in unknown)
        assert "--offline" in await refusal(client, "estimate", source="quay.io/org/m:1", gpu="L40S")
        assert "2 x" not in await refusal(client, "estimate", source="config.json", gpu="")
        assert "needs more than" in await refusal(
            client, "estimate", source="config.json", gpu="L40S", arguments=["--tensor-parallel-size=2"]
        )


async def test_an_estimate_reads_a_folder_and_no_link_out_of_it(
    connected: Callable[..., Any], root: Path, tmp_path: Path
) -> None:
    (root / "model").mkdir()
    (root / "model/config.json").write_text(json.dumps(CONFIG))
    (root / "linked").mkdir()
    (tmp_path / "outside.json").write_text(json.dumps(CONFIG))
    (root / "linked/config.json").symlink_to(tmp_path / "outside.json")
    async with connected() as client:
        assert (await answer(client, "estimate", source="model", gpu="L40S"))["starts"] is True
        assert "link to outside" in await refusal(client, "estimate", source="linked", gpu="L40S")
        # It exists in the server's working folder, which is not allowed here.
        assert "below an allowed folder" in await refusal(
            client, "estimate", source=str(tmp_path / "outside.json"), gpu="L40S"
        )
        await refusal(client, "estimate", source="outside.json", gpu="L40S")


async def test_lint_tells_places_and_no_secret(started: Callable[..., Any], root: Path) -> None:
    (root / "m.yaml").write_text(MANIFEST)
    async with started() as client:
        by_path = await answer(client, "lint", path="m.yaml")
        by_text = await answer(client, "lint", text=MANIFEST)
        assert by_path["findings"] == by_text["findings"]
        assert by_path["ok"] is False
        assert any(one["line"] and one["fix"] for one in by_path["findings"])
        whole = await client.call_tool("lint", {"path": "m.yaml", "style": True})
        shown = whole.model_dump_json() + json.dumps(by_text)
        assert not [secret for secret in SECRETS if secret in shown]
        broken = await answer(client, "lint", text="model-car: [\x1b[31m")
        assert broken["ok"] is False
        assert "\x1b" not in json.dumps(broken, ensure_ascii=False)
        assert "one of them" in await refusal(client, "lint")
        assert "one of them" in await refusal(client, "lint", path="m.yaml", text="a: 1")


async def test_no_path_leads_outside(connected: Callable[..., Any], root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(MANIFEST)
    (root / "link.yaml").symlink_to(outside)
    (root / "up").symlink_to(tmp_path)
    (root / ".hidden.yaml").write_text(MANIFEST)
    (root / "folder.yaml").mkdir()
    (root / "plain.txt").write_text("x")
    paths = (
        "../outside.yaml",
        str(outside),
        "link.yaml",
        "up/outside.yaml",
        "/etc/nonesuch.yaml",
        "../no.yaml",
    )
    told = {
        "folder.yaml": "is no regular file",
        "plain.txt": "is no .yaml",
        "missing.yaml": "No such file",
        "a\0b.yaml": "",
        "x" * 900 + ".yaml": "",
        "x" * 2000: "at most 1000",
    }
    told |= dict.fromkeys((*paths, ".hidden.yaml"), "is not below an allowed folder")
    async with connected() as client:
        for tool in ("lint", "inventory"):
            for path, why in told.items():
                assert why in await refusal(client, tool, path=path)


async def test_an_inventory_is_stated_read_or_not_known(connected: Callable[..., Any], root: Path) -> None:
    node = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "plain"}, "status": {}}
    nodes = {"kind": "NodeList", "apiVersion": "v1", "items": [node]}
    (root / "nodes.json").write_text(json.dumps(nodes))
    async with connected() as client:
        stated = await answer(client, "inventory", gpus=["L40S:4@2"])
        assert stated["known"] is True
        assert [(kind["units"], kind["free"]) for kind in stated["kinds"]] == [(8, 8)]
        assert stated["kinds"][0]["memory_source"]
        assert (await answer(client, "inventory", path="nodes.json"))["nodes"] == 0
        blind = await answer(client, "inventory", timeout_seconds=5)
        assert blind["known"] is False
        assert blind["free"] is None
        assert blind["problems"]
        assert "L40S:0" in await refusal(client, "inventory", gpus=["L40S:0"])
        assert "less than or equal" in await refusal(client, "inventory", timeout_seconds=9999)


async def test_an_offline_server_asks_no_cluster(connected: Callable[..., Any]) -> None:
    async with connected(offline=True) as client:
        assert "a cluster is not asked" in await refusal(client, "inventory")
        assert (await answer(client, "inventory", gpus=["L40S:1"]))["known"] is True


async def test_a_run_is_listed_explained_and_reported(connected: Callable[..., Any], state: Path) -> None:
    async with connected() as client:
        (row,) = (await answer(client, "list_runs"))["runs"]
        assert row["kind"] == "demo"
        told = await answer(client, "explain_run")
        assert told["id"] == row["id"]
        assert told["models"]
        assert all(model["why"] for model in told["models"])
        assert told["changes"]
        assert all(change["accepted"] is True for change in told["changes"])
        assert told["written"]
        assert (await answer(client, "explain_run", run=row["id"][:17]))["id"] == row["id"]
        (resource,) = (await client.list_resources()).resources
        assert str(resource.uri) == told["report"]
        text = (await client.read_resource(told["report"])).contents[0].text  # type: ignore[union-attr]
        assert told["headline"] in text
        data = (await client.read_resource(told["report"].replace(".md", ".json"))).contents[0]
        assert json.loads(data.text)["verdict"] == row["verdict"]  # type: ignore[union-attr]
        assert len((await client.list_resource_templates()).resource_templates) == 2


async def test_a_run_is_named_by_its_id_alone(connected: Callable[..., Any]) -> None:
    async with connected() as client:
        for name in ("../x", "/etc", ".", "nonesuch", "a/b", "last\n", "*", "x" * 90):
            await refusal(client, "explain_run", run=name)
        for uri in (
            "modelcar://runs/../report.md",
            "modelcar://runs/last/journal.jsonl",
            "file:///etc/passwd",
        ):
            with pytest.raises(MCPError):
                await client.read_resource(uri)


async def test_many_calls_at_once_are_all_answered(started: Callable[..., Any], root: Path) -> None:
    (root / "config.json").write_text(json.dumps(CONFIG))
    async with started(mode="legacy") as client:
        calls = [answer(client, "estimate", source="config.json", gpu=f"L40S:{n}") for n in range(1, 9)]
        calls += [answer(client, "lint", text=MANIFEST) for _ in range(8)]
        told = await asyncio.gather(*calls)
        assert [one["gpu"]["count"] for one in told[:8]] == list(range(1, 9))


async def test_registries_that_never_answer_hold_up_no_lint(
    connected: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    over, begun = threading.Event(), threading.Semaphore(0)

    def waits(*_: object, **__: object) -> None:
        begun.release()
        over.wait(30)
        raise UserError(Problem(what="it was waited for"))

    monkeypatch.setattr("modelcar_tui.api.estimating.estimate", waits)
    async with connected() as client:
        asked = {"source": "quay.io/o/m:1", "gpu": "L40S"}
        calls = [asyncio.create_task(client.call_tool("estimate", asked)) for _ in range(5)]
        for _ in range(AT_ONCE):
            await asyncio.to_thread(begun.acquire)
        assert (await answer(client, "lint", text=MANIFEST))["ok"] is False
        over.set()
        assert all(told.is_error for told in await asyncio.gather(*calls))
