"""What `tests/data/published/sources.yaml` says of published manifests is whole and agrees with itself."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

SOURCES = Path(__file__).parents[2] / "data" / "published" / "sources.yaml"
RECORDS: list[dict[str, Any]] = yaml.safe_load(SOURCES.read_text(encoding="utf-8"))
ROWS = [(record["file"], row) for record in RECORDS for row in record["models"]]
TEXTS = ("name", "kind", "namespace", "source", "runtime", "image", "resource", "cpu", "memory", "note")
COUNTS = ("gpus", "pods", "copies")
RECORD_KEYS = {"file", "repository", "commit", "path", "licence", "sha256", "models", "not_vllm"}
MORE_RECORD_KEYS = {"cut", "lines", "runtimes", "unclear", "note"}
POD_KINDS = {"Deployment", "StatefulSet", "Pod", "LeaderWorkerSet", "ReplicaSet", "Job"}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["file"])
def test_a_record_says_where_the_file_is_published_and_what_it_holds(record: dict[str, Any]) -> None:
    assert record.keys() >= RECORD_KEYS and record.keys() <= RECORD_KEYS | MORE_RECORD_KEYS
    assert re.fullmatch(r"[a-z0-9-]+\.yaml", record["file"])
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", record["repository"]) and record["path"] and record["licence"]
    assert re.fullmatch(r"[0-9a-f]{40}", record["commit"])
    assert re.fullmatch(r"[0-9a-f]{64}", record["sha256"])
    assert ("cut" in record) == ("lines" in record)
    assert any(record.get(part) for part in ("models", "runtimes", "not_vllm", "unclear"))
    names = [row["name"] for row in record["models"]] + record["not_vllm"] + record.get("unclear", [])
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("file", "row"), ROWS, ids=[f"{file}:{row['name']}" for file, row in ROWS])
def test_a_row_is_whole(file: str, row: dict[str, Any]) -> None:
    assert row.keys() - {"parallelism"} == {*TEXTS, *COUNTS, "args", "environment"}, file
    assert all(isinstance(row[part], str) for part in TEXTS), file
    assert all(type(row[part]) is int and row[part] >= 0 for part in COUNTS) and row["pods"], file
    assert all(isinstance(word, str) and word.strip() == word != "" for word in row["args"]), file
    assert all(isinstance(value, str) for pair in row["environment"].items() for value in pair), file
    assert bool(row["gpus"]) == bool(row["resource"]), file
    assert not row["runtime"] or row["kind"] == "InferenceService", file


def test_prefill_is_a_row_beside_that_which_it_belongs_to() -> None:
    of_file = {(file, row["name"]): row for file, row in ROWS}
    prefills = [(file, row) for file, row in ROWS if row["name"].endswith("/prefill")]
    assert prefills
    for file, row in prefills:
        decode = of_file[file, row["name"].removesuffix("/prefill")]
        assert (decode["source"], decode["namespace"]) == (row["source"], row["namespace"])


def test_the_corpus_has_every_kind_and_what_does_not_serve_vllm() -> None:
    files = {
        kind: {file for file, row in ROWS if row["kind"] == kind} for kind in {row["kind"] for _, row in ROWS}
    }
    assert len(files["InferenceService"]) >= 12 and len(files["LLMInferenceService"]) >= 12
    assert sum(len(files.get(kind, ())) for kind in POD_KINDS) >= 14
    assert sum("runtimes" in record for record in RECORDS) >= 3
    assert sum(bool(record["not_vllm"]) and not record["models"] for record in RECORDS) >= 6
    assert max(Counter(record["file"] for record in RECORDS).values()) == 1
    assert {row["source"].partition("://")[0] for _, row in ROWS} >= {"oci", "hf", "pvc", ""}
