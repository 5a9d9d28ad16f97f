"""Models of small files, and layers of any members."""

from __future__ import annotations

import io
import json
import random
import tarfile

from image_kit import base_layer, model_files, pack

from modelcar_tui.demo.registry_blobs import Blob, File, make_image

TOKENIZER = random.Random(3).randbytes(30_000).hex().encode()
CODE = {"architectures": ["OwnModel"], "auto_map": {"AutoConfig": "configuration_own.OwnConfig"}}


def text(name: str, content: object) -> File:
    return File(name, (content if isinstance(content, bytes) else json.dumps(content).encode(),))


def pooling() -> list[File]:
    """A sentence-transformers model with code, sorted as buildah writes it."""
    files = [
        text("1_Pooling/config.json", {"pooling_mode_mean_tokens": True}),
        text("config.json", CODE),
        text("configuration_own.py", b"class OwnConfig: ...\n"),
        text(
            "modules.json", [{"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
        ),
        text("onnx/config.json", {}),
        text("README.md", b"# x\n" * 100),
        text("picture.png", b"\x89PNG" * 100),
        text("special_tokens_map.json", {}),
        text("tokenizer.json", TOKENIZER),
        text("tokenizer_config.json", {"model_max_length": 512}),
        text("additional_chat_templates/rag.jinja", b"{{ messages }}"),
    ]
    weights = [file for file in model_files(rows=1000) if "safetensors" in file.name]
    return sorted([*files, *weights], key=lambda file: file.name)


def tar(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                told = tarfile.TarInfo(member[0])
                told.size = len(member[1])
                archive.addfile(told, io.BytesIO(member[1]))
    return out.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    told = tarfile.TarInfo(name)
    told.type, told.linkname = kind, target
    return told


def layers(*raws: bytes, how: str = ""):
    packed = [pack(raw, how) for raw in raws]
    return make_image([base_layer(), *(Blob((raw,), kind) for raw, kind in packed)])
