"""Our client, skopeo, docker-registry and olot as they really are."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.facts import Source
from modelcar_tui.core.reference import parse_reference
from modelcar_tui.demo.registry_blobs import TAR, Blob, File, make_image, olot_layer, tar_bytes
from modelcar_tui.image import read_small_files
from modelcar_tui.image.inspect import inspect_image
from modelcar_tui.image.manifests import parse_manifest
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.skopeo import skopeo_inspect

pytestmark = pytest.mark.real
CONFIG = {"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "torch_dtype": "bfloat16"}
PARAMETERS = 4 * 16384 * 64


def files(rows: int = 16384) -> list[File]:
    out = [File("README.md", (b"# x\n" * 500,)), File("config.json", (json.dumps(CONFIG).encode(),))]
    for number in range(4):
        size = rows * 64 * 2
        told = {f"layers.{number}.weight": {"dtype": "BF16", "shape": [rows, 64], "data_offsets": [0, size]}}
        raw = json.dumps(told).encode()
        name = f"model-{number + 1:05d}-of-00004.safetensors"
        out.append(
            File(name, (len(raw).to_bytes(8, "little") + raw + random.Random(number).randbytes(size),))
        )
    out.append(File("model.safetensors.index.json", (b'{"metadata": {"total_size": 1}}',)))
    return out


def packed(raw: bytes, how: str) -> Blob:
    if how == "gzip":
        return Blob((gzip.compress(raw, 1),), f"{TAR}+gzip")
    if how == "zstd":
        return Blob((zstandard.ZstdCompressor().compress(raw),), f"{TAR}+zstd")
    return Blob((raw,), TAR)


LAYOUTS = {
    "olot": lambda: make_image([olot_layer(file) for file in files()]),
    "index": lambda: make_image([olot_layer(file) for file in files()], ("arm64", "amd64")),
    "one": lambda: make_image([packed(tar_bytes(files()), "")]),
    "gzip each": lambda: make_image([packed(tar_bytes([file]), "gzip") for file in files()]),
    "zstd each": lambda: make_image([packed(tar_bytes([file]), "zstd") for file in files()]),
}


def options(registry, tmp_path, **more) -> ImageOptions:
    return ImageOptions(registries_conf=registry.registries_conf(), cache_dir=str(tmp_path / "cache"), **more)


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_layouts_on_a_real_registry_with_a_real_skopeo(plain_registry, tmp_path, layout):
    image = LAYOUTS[layout]()
    plain_registry.push("rhelai1/model", "1.5", image)
    before = plain_registry.bytes_served
    facts = await inspect_image(
        "oci://registry.redhat.io/rhelai1/model:1.5", options=options(plain_registry, tmp_path)
    )
    assert facts.problems == ()
    assert facts.digest == image.digest
    assert facts.model.config == CONFIG
    assert (facts.model.parameters.value, facts.model.parameters.source) == (PARAMETERS, Source.HEADERS)
    assert facts.architectures.value == (("arm64", "amd64") if layout == "index" else ("amd64",))
    assert "skopeo" in facts.size_bytes.note
    layers = {digest: blob for digest, blob in image.blobs.items() if blob.media_type.startswith(TAR)}
    assert facts.size_bytes.value == sum(blob.size for blob in layers.values())
    assert plain_registry.bytes_served - before < facts.bytes_read + 50_000


async def test_a_second_look_is_one_request(plain_registry, tmp_path):
    plain_registry.push("a/model", "1", LAYOUTS["index"]())
    told = options(plain_registry, tmp_path)
    await inspect_image(f"oci://{plain_registry.host}/a/model:1", options=told)
    before = plain_registry.log.read_text().count('"response completed"')
    facts = await inspect_image(f"oci://{plain_registry.host}/a/model:1", options=told)
    assert facts.model.parameters.value == PARAMETERS
    assert plain_registry.log.read_text().count('"response completed"') - before == 1


async def test_tls_and_a_login(secure_registry, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(secure_registry.certificate))
    secure_registry.push("a/model", "1", LAYOUTS["olot"]())
    reference = f"oci://{secure_registry.host}/a/model:1"
    good = options(secure_registry, tmp_path, authfile=secure_registry.authfile())
    facts = await inspect_image(reference, options=good)
    assert facts.problems == ()
    assert facts.model.parameters.value == PARAMETERS
    anonymous = await inspect_image(reference, options=options(secure_registry, tmp_path / "2"))
    assert {problem.code for problem in anonymous.problems} == {"registry-auth"}
    wrong = options(secure_registry, tmp_path / "3", authfile=secure_registry.authfile("someone:wrong"))
    refused = await inspect_image(reference, options=wrong)
    assert {problem.code for problem in refused.problems} == {"registry-auth"}
    assert all("skopeo login" in problem.fix for problem in refused.problems)


async def test_an_untrusted_certificate(secure_registry, tmp_path):
    facts = await inspect_image(
        f"oci://{secure_registry.host}/a/model:1", options=options(secure_registry, tmp_path)
    )
    assert {problem.code for problem in facts.problems} == {"registry-tls"}


async def test_certs_d_is_read(secure_registry, tmp_path):
    folder = tmp_path / ".config" / "containers" / "certs.d" / secure_registry.host
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(secure_registry.certificate.read_bytes())
    secure_registry.push("a/model", "1", LAYOUTS["olot"]())
    told = options(secure_registry, tmp_path, authfile=secure_registry.authfile(), use_skopeo=False)
    facts = await inspect_image(f"oci://{secure_registry.host}/a/model:1", options=told)
    assert facts.model.parameters.value == PARAMETERS


@pytest.mark.parametrize("tag", ["nothing", "1"])
async def test_unknown_tags_and_repositories(plain_registry, tmp_path, tag):
    facts = await inspect_image(
        f"oci://{plain_registry.host}/a/model-7b:{tag}", options=options(plain_registry, tmp_path)
    )
    assert {problem.code for problem in facts.problems} == {"image-not-found"}
    assert len(facts.problems) == 1, "skopeo and our client say the same: once is enough"


async def test_skopeo_and_our_client_agree(plain_registry, tmp_path):
    image = LAYOUTS["gzip each"]()
    plain_registry.push("a/model", "1", image)
    reference = parse_reference(f"oci://{plain_registry.host}/a/model:1")
    by_skopeo = await skopeo_inspect(reference, registries_conf=plain_registry.registries_conf())
    ours = parse_manifest(image.top)
    assert by_skopeo.manifest == ours
    assert by_skopeo.digest == ours.digest


async def test_a_genuine_olot_image(plain_registry, tmp_path):
    basics = pytest.importorskip("olot.basics")
    layout = tmp_path / "layout"
    base = make_image([packed(tar_bytes([File("x", (b"base",))]), "gzip")], ("amd64", "arm64"))
    write_layout(layout, base)
    model = tmp_path / "model"
    model.mkdir()
    for file in files():
        (model / file.name).write_bytes(b"".join(file.pieces))
    (model / "1_Pooling").mkdir()
    (model / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    names = sorted(path for path in model.iterdir() if path.name != "README.md")
    basics.oci_layers_on_top(layout, names, model / "README.md")
    subprocess.run(
        [
            "skopeo",
            "copy",
            "--all",
            "--preserve-digests",
            "--dest-tls-verify=false",
            f"oci:{layout}",
            f"docker://{plain_registry.host}/a/olot:1",
        ],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    facts = await inspect_image(
        f"oci://{plain_registry.host}/a/olot:1", options=options(plain_registry, tmp_path)
    )
    assert facts.layout == "olot"
    assert facts.problems == ()
    small = await read_small_files(
        f"oci://{plain_registry.host}/a/olot:1", options=options(plain_registry, tmp_path)
    )
    assert set(small.files) == {"config.json", "1_Pooling/config.json"}
    assert small.files["1_Pooling/config.json"] == b'{"pooling_mode_mean_tokens": true}'
    assert facts.model.config == CONFIG
    assert facts.model.parameters.value == PARAMETERS
    assert set(facts.architectures.value) == {"amd64", "arm64"}


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_the_small_files_of_each_layout(plain_registry, tmp_path, layout):
    image = LAYOUTS[layout]()
    plain_registry.push("rhelai1/model", "1.5", image)
    before = plain_registry.bytes_served
    found = await read_small_files(
        "oci://registry.redhat.io/rhelai1/model:1.5", options=options(plain_registry, tmp_path)
    )
    assert found.files == {"config.json": json.dumps(CONFIG).encode()}
    assert (found.digest, found.left_out, len(found.weights)) == (image.digest, (), 4)
    assert plain_registry.bytes_served - before < found.bytes_read + 20_000


async def test_small_files_over_tls_with_a_login(secure_registry, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(secure_registry.certificate))
    secure_registry.push("a/model", "1", LAYOUTS["olot"]())
    reference = f"oci://{secure_registry.host}/a/model:1"
    told = options(secure_registry, tmp_path, authfile=secure_registry.authfile())
    assert list((await read_small_files(reference, options=told)).files) == ["config.json"]
    with pytest.raises(UserError, match="skopeo login"):
        await read_small_files(reference, options=options(secure_registry, tmp_path))


def write_layout(folder: Path, image) -> None:
    """An image as an OCI layout folder."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for digest, blob in image.blobs.items():
        (blobs / digest.removeprefix("sha256:")).write_bytes(blob.read(0, blob.size))
    for digest, (raw, _) in image.manifests.items():
        (blobs / digest.removeprefix("sha256:")).write_bytes(raw)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    _, kind = image.manifests[image.digest]
    index = {
        "schemaVersion": 2,
        "manifests": [{"mediaType": kind, "digest": image.digest, "size": len(image.top)}],
    }
    (folder / "index.json").write_text(json.dumps(index))


MEASURE = """
import asyncio, sys
from modelcar_tui.image.inspect import inspect_image
from modelcar_tui.image.options import ImageOptions
options = ImageOptions(registries_conf=sys.argv[2], use_cache=False, use_skopeo=False)
facts = asyncio.run(inspect_image(sys.argv[1], options=options))
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1], facts.model.parameters.value, len(facts.problems))
"""


@pytest.mark.parametrize("bomb", ["none", "zeros", "header"])
def test_memory_stays_small(plain_registry, tmp_path, bomb):
    if bomb == "none":
        image = LAYOUTS["gzip each"]()
    elif bomb == "zeros":
        image = make_image([packed(tar_bytes([File("config.json", (200_000_000,))]), "zstd")])
    else:
        lie = File("model.safetensors", ((2 << 30).to_bytes(8, "little"), 50_000_000))
        image = make_image([packed(tar_bytes([lie]), "gzip")])
    plain_registry.push("a/model", "1", image)
    reference = f"oci://{plain_registry.host}/a/model:1"
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, reference, plain_registry.registries_conf()],
        capture_output=True,
        text=True,
        check=True,
    )
    peak_kib = int(done.stdout.split()[0])
    assert peak_kib < 100 * 1024
