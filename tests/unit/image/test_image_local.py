from __future__ import annotations

import json
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_kit import CONFIG, PARAMETERS, WEIGHT_BYTES, model_files

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.facts import Source
from modelcar_tui.image.local import is_local, read_local
from modelcar_tui.models.model import describe_model


def folder(tmp_path, name="model"):
    path = tmp_path / name
    path.mkdir()
    for file in model_files():
        (path / file.name).write_bytes(b"".join(file.pieces))
    return path


def gguf(tensors=(("blk.0.ffn_up.weight", (64, 32), 12),), keys=()):
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys) + 3)
    out += text("general.architecture") + struct.pack("<I", 8) + text("llama")
    out += text("llama.block_count") + struct.pack("<II", 4, 32)
    out += (
        text("tokenizer.ggml.tokens")
        + struct.pack("<IIQ", 9, 8, 3)
        + text("a")
        + text("bb")
        + text("c" * 200_000)
    )
    for key, kind, value in keys:
        out += text(key) + struct.pack("<I", kind) + value
    for name, shape, kind in tensors:
        out += (
            text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", side) for side in shape)
        )
        out += struct.pack("<IQ", kind, 0)
    return out + bytes(64)


def test_a_folder(tmp_path):
    facts = read_local(str(folder(tmp_path)))
    assert facts.model.config == CONFIG
    assert (facts.model.parameters.value, facts.model.parameters.source) == (PARAMETERS, Source.HEADERS)
    assert facts.size_bytes.value == WEIGHT_BYTES
    assert facts.problems == ()


def test_a_folder_whose_config_is_too_large_says_so(tmp_path):
    path = folder(tmp_path)
    (path / "config.json").write_bytes(b"[" + b" " * (1 << 24))
    facts = read_local(str(path))
    assert facts.model.config is None
    assert facts.model.unread == "config.json has 16.0 MiB, and at most 16 are read"
    assert facts.model.parameters.value == PARAMETERS
    with pytest.raises(UserError, match=r"config.json has 16.0 MiB, and at most 16 are read"):
        read_local(str(path / "config.json"))


def test_an_estimate_says_why_a_config_was_not_read(tmp_path):
    path = folder(tmp_path)
    (path / "config.json").write_text("[]")
    facts = read_local(str(path)).model
    found = describe_model(facts, quantization=None, dtype="auto", overrides=None)
    assert found == facts.unread == "config.json is not a JSON object"


def test_a_folder_with_one_broken_shard_falls_back_to_the_index(tmp_path):
    path = folder(tmp_path)
    (path / "model-00002-of-00004.safetensors").write_bytes(b"\xff" * 100)
    facts = read_local(str(path))
    assert facts.model.tensors is None
    assert (facts.model.weight_bytes.value, facts.model.weight_bytes.source) == (WEIGHT_BYTES, Source.INDEX)
    assert "00002" in facts.problems[0].where


def test_a_bare_config(tmp_path):
    path = tmp_path / "some-70b.json"
    path.write_text(json.dumps(CONFIG))
    facts = read_local(str(path), count=lambda config: config["hidden_size"] * 1000)
    assert facts.model.config == CONFIG
    assert (facts.model.parameters.value, facts.model.parameters.source) == (64_000, Source.MODEL_CONFIG)
    assert read_local(str(path)).model.parameters.value is None, "a file's name is no model's name"


def test_a_gguf_file(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf())
    facts = read_local(str(path))
    assert facts.model.gguf == {"general.architecture": "llama", "llama.block_count": 32}
    assert facts.model.parameters.value == 2048
    assert facts.model.weight_bytes.value == 2048 * 4.5 / 8
    assert (facts.model.bits.value, facts.model.quantization_name.value) == (4, "gguf")


async def test_it_works_inside_a_running_loop(tmp_path):
    assert read_local(str(folder(tmp_path))).model.parameters.value == PARAMETERS


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "no config.json"),
        (lambda path: path.write_text("x"), "is no model folder"),
    ],
)
def test_other_paths_are_refused(tmp_path, make, says):
    path = tmp_path / "thing"
    make(path)
    with pytest.raises(UserError) as caught:
        read_local(str(path))
    assert says in str(caught.value)
    assert caught.value.problems[0].fix


def test_a_json_that_is_no_config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("[]")
    with pytest.raises(UserError):
        read_local(str(path))


def test_paths_and_references(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_local("./model")
    assert is_local("/models/x")
    assert is_local("config.json")
    assert not is_local("oci://quay.io/a/b:1")
    assert not is_local("quay.io/a/b")
    (tmp_path / "model").mkdir()
    assert is_local("model")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.binary(max_size=400), st.tuples(st.integers(0, 300), st.binary(max_size=20))))
def test_any_bytes_in_a_gguf_are_survived(tmp_path, data):
    if isinstance(data, tuple):
        whole = gguf()[:600]
        data = whole[: data[0]] + data[1] + whole[data[0] + len(data[1]) :]
    path = tmp_path / "fuzz.gguf"
    path.write_bytes(data)
    facts = read_local(str(path))
    assert facts.model.parameters.value is None or facts.model.parameters.value >= 0


def test_what_the_processors_of_images_and_videos_are_told_is_kept(tmp_path):
    """A file of their own wins over the part of processor_config.json that newer transformers write."""
    path = folder(tmp_path)
    both = {"image_processor": {"max_pixels": 1}, "video_processor": {"size": {"longest_edge": 2}}}
    (path / "processor_config.json").write_text(json.dumps(both))
    (path / "preprocessor_config.json").write_text(json.dumps({"max_pixels": 1003520}))
    told = read_local(str(path)).model.processors
    assert told == {"image": {"max_pixels": 1003520}, "video": {"size": {"longest_edge": 2}}}
