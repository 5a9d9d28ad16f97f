"""A model's small files as bytes: every layout, few bytes, in the order of need, nothing hostile."""

from __future__ import annotations

import base64
import json
import random

import pytest
from image_kit import LAYOUTS, base_layer, layer_per_file, model_files, olot, one_layer
from small_kit import pooling, tar, text

from modelcar_tui.core.errors import UserError
from modelcar_tui.demo.modelcars import demo_images
from modelcar_tui.demo.registry_blobs import TAR, Blob, File, make_image, olot_layer
from modelcar_tui.image import read_small_files

MIB = 1 << 20


WANTED = [
    "config.json",
    "1_Pooling/config.json",
    "modules.json",
    "tokenizer_config.json",
    "configuration_own.py",
    "special_tokens_map.json",
    "additional_chat_templates/rag.jinja",
    "tokenizer.json",
]
MADE = {
    "olot": lambda files: olot(files=files),
    "index": lambda files: olot(("arm64", "amd64"), files),
    "one layer": lambda files: one_layer("", files),
    "one layer, gzip": lambda files: one_layer("gzip", files),
    "one layer, zstd": lambda files: one_layer("zstd", files),
    "file per layer": lambda files: layer_per_file("", files),
    "file per layer, gzip": lambda files: layer_per_file("gzip", files),
    "file per layer, zstd": lambda files: layer_per_file("zstd", files),
}


@pytest.mark.parametrize("layout", MADE)
async def test_what_a_start_opens_comes_out_of_every_layout(read_small, layout):
    image = MADE[layout](pooling())
    found, registry = await read_small(image)
    content = {file.name: b"".join(file.pieces) for file in pooling()}
    assert list(found.files) == WANTED
    assert found.files == {name: content[name] for name in WANTED}
    assert found.left_out == ()
    assert (found.digest, found.root) == (image.digest, "models")
    assert found.weights == tuple(
        f"model-{number}-of-00004.safetensors" for number in ("00001", "00002", "00003", "00004")
    )
    assert registry.bytes_sent <= found.bytes_read + 20_000
    if "," not in layout:
        assert found.bytes_read < 300_000, "the weights have 0.5 MB"


async def test_an_artifact_of_raw_files(read_small):
    found, _ = await read_small(LAYOUTS["artifact"]())
    assert set(found.files) == {"config.json", "generation_config.json", "tokenizer.json"}
    assert found.root == ""


async def test_a_model_car_of_the_demo_with_its_card(read_small):
    image = next(iter(demo_images().values()))
    found, _ = await read_small(image)
    assert list(found.files) == ["config.json", "generation_config.json", "tokenizer_config.json"]
    assert found.left_out == (("tokenizer.json", "has 8.6 MiB, and at most 8.0 MiB are read"),)


async def test_code_is_read_where_a_configuration_calls_for_it(read_small):
    files = [text("config.json", {}), text("own.py", b"x = 1\n"), text("tokenizer_config.json", {})]
    assert list((await read_small(olot(files=files)))[0].files) == ["config.json", "tokenizer_config.json"]
    files[2] = text("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["own.Tokenizer", None]}})
    for image in (olot(files=files), layer_per_file("gzip", files)):
        found, _ = await read_small(image)
        assert list(found.files) == ["config.json", "tokenizer_config.json", "own.py"]


def with_tokenizer(megabytes: int) -> list[File]:
    data = random.Random(5).randbytes(megabytes * 500_000).hex().encode()
    return sorted(
        [*model_files(), text("tokenizer.json", data), text("vocab.json", {"a": 1})], key=lambda f: f.name
    )


def without_first_tokenizer(files: list[File]) -> list[File]:
    return [file for file in files if file.name != "tokenizer.json" or file.size > 100_000]


@pytest.mark.parametrize("layout", ["olot", "one layer", "file per layer", "file per layer, gzip"])
async def test_the_largest_tokenizer_is_left_first(read_small, layout):
    image = MADE[layout](without_first_tokenizer(with_tokenizer(17)))
    found, _ = await read_small(image)
    assert list(found.files) == ["config.json", "generation_config.json", "vocab.json"]
    ((path, why),) = found.left_out
    assert path == "tokenizer.json"
    assert why == "has 16.2 MiB, and at most 8.0 MiB are read"
    assert found.bytes_read <= 300_000


@pytest.mark.parametrize(("layout", "others"), [("olot", 3), ("one layer", 10)])
async def test_a_tokenizer_of_17_mb_costs_its_own_bytes_in_few_requests(read_small, layout, others):
    """A request for each other file of olot's, a window over headers in one layer; 5 pieces of 4 MiB."""
    image = MADE[layout](without_first_tokenizer(with_tokenizer(17)))
    found, registry = await read_small(image, budget=32 * MIB)
    kept = sum(map(len, found.files.values()))
    assert kept > 17_000_000
    assert found.left_out == ()
    assert found.bytes_read - kept < 120_000
    assert len([each for each in registry.requests if "/blobs/" in each]) <= others + 5


async def test_a_whole_read_is_held_against_the_digest(read_small):
    image = olot(files=[text("config.json", {"a": 1})])
    digest = next(each for each, blob in image.blobs.items() if blob.annotations)
    blob = image.blobs[digest]
    blob.pieces = tuple(
        piece.replace(b"1", b"2") if isinstance(piece, bytes) else piece for piece in blob.pieces
    )
    with pytest.raises(UserError, match="the bytes do not match their digest"):
        await read_small(image)


async def test_a_folder_in_an_annotated_layer_of_its_own(read_small):
    said = {"olot.layer.content.inlayerpath": "/models/1_Pooling", "olot.layer.content.type": "directory"}
    folder = Blob((tar(("models/1_Pooling/config.json", b'{"p": 1}')),), TAR, said)
    found, _ = await read_small(make_image([base_layer(), olot_layer(text("config.json", {})), folder]))
    assert list(found.files) == ["config.json", "1_Pooling/config.json"]


async def test_a_registry_that_breaks_on_the_way_costs_what_was_still_to_come(read_small, serve, options):
    registry = serve({"a/model:1": olot()})
    tokenizer = next(
        digest
        for digest, blob in registry.images["a/model:1"].blobs.items()
        if "tokenizer" in str(blob.annotations)
    )

    def refuse(handler, path):
        if tokenizer in path:
            handler.send_error(403)
        return tokenizer in path

    registry.intercept = refuse
    found = await read_small_files(f"oci://{registry.host}/a/model:1", options=options(registry))
    assert list(found.files) == ["config.json", "generation_config.json"]
    assert found.left_out == (
        ("tokenizer.json", f"{registry.host} denies access to this repository (HTTP 403)"),
    )
    registry.intercept = lambda handler, path: "/blobs/" in path and not handler.send_error(403)
    with pytest.raises(UserError) as raised:
        await read_small_files(f"oci://{registry.host}/a/model:1", options=options(registry))
    assert raised.value.problems[0].code == "registry-denied"
    assert "skopeo login" in str(raised.value)


@pytest.mark.parametrize("bearer", [False, True])
async def test_a_login_is_used_and_never_told(serve, options, tmp_path, bearer):
    registry = serve({"a/model:1": olot()}, login="someone:s3cret-word", bearer=bearer)
    reference = f"oci://{registry.host}/a/model:1"
    with pytest.raises(UserError, match=f"wants a login .*skopeo login {registry.host}"):
        await read_small_files(reference, options=options(registry))
    for word in ("s3cret-word", "wrong-word"):
        auth = {"auths": {registry.host: {"auth": base64.b64encode(f"someone:{word}".encode()).decode()}}}
        (tmp_path / "auth.json").write_text(json.dumps(auth))
        told = options(registry, authfile=str(tmp_path / "auth.json"))
        if word == "s3cret-word":
            assert "config.json" in (await read_small_files(reference, options=told)).files
        else:
            with pytest.raises(UserError) as raised:
                await read_small_files(reference, options=told)
            assert word not in str(raised.value)


async def test_a_registry_is_asked_where_registries_conf_says(serve, options):
    registry = serve({"rhelai1/model:1": olot()}, hosts=("registry.redhat.io",))
    found = await read_small_files("oci://registry.redhat.io/rhelai1/model:1", options=options(registry))
    assert found.digest == registry.images["rhelai1/model:1"].digest


async def test_no_time_left_keeps_what_was_read(read_small, serve, options):
    registry = serve({"a/model:1": olot()})
    tokenizer = next(
        digest
        for digest, blob in registry.images["a/model:1"].blobs.items()
        if "tokenizer" in str(blob.annotations)
    )
    gone = []

    def hang(handler, path):
        while tokenizer in path and not gone:
            if handler.rfile.read(1) == b"":
                gone.append(path)
        return tokenizer in path

    registry.intercept = hang
    found = await read_small_files(
        f"oci://{registry.host}/a/model:1", options=options(registry, total_timeout_s=0.7)
    )
    assert list(found.files) == ["config.json", "generation_config.json"]
    assert found.left_out == (("tokenizer.json", "was not read within 0.7 s"),)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("hf://org/model", "hf://org/model: the model's files are not read: no hub is asked; give"),
        (
            "pvc://claim/model",
            "pvc://claim/model: the model's files are not read: no volume is looked into; give",
        ),
        (
            "s3://bucket/model",
            "s3://bucket/model: the model's files are not read: no bucket is looked into; give",
        ),
        ("", "nothing says where the model's files are; give"),
        ("oci://UPPER/x", "which registries refuse"),
        ("./nowhere", "nowhere: can't be read: No such file or directory"),
        ("oci://127.0.0.1:1/a/b:1", "127.0.0.1:1 refuses the connection"),
    ],
)
async def test_nothing_to_be_had_is_one_line(options, reference, said):
    with pytest.raises(UserError) as raised:
        await read_small_files(reference, options=options())
    assert said in str(raised.value) and "\n" not in str(raised.value)


async def test_offline_no_registry_is_asked(options):
    with pytest.raises(UserError, match="registries are not asked"):
        await read_small_files("oci://127.0.0.1:1/a/b:1", options=options(offline=True))


async def test_an_image_without_a_model(read_small):
    with pytest.raises(UserError, match=r"no config\.json of a model was found in this image"):
        await read_small(make_image([base_layer()]))


async def test_a_configuration_that_does_not_fit_is_the_reason(read_small):
    with pytest.raises(UserError, match=r"config.json has [\d,]+ bytes, and at most 5,000 bytes are read"):
        await read_small(olot(files=[text("config.json", b" " * 9000)]), budget=5000)


def folder(tmp_path, files: list[File]):
    root = tmp_path / "snapshots" / "abc"
    for file in files:
        path = root / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(file.pieces))
    return root


async def test_a_local_folder(tmp_path, options):
    root = folder(tmp_path, pooling())
    (root / "vocab.json").symlink_to("/etc/passwd")
    blob = tmp_path / "blobs" / "c0ffee"
    blob.parent.mkdir()
    blob.write_bytes(b"m")
    (root / "merges.txt").symlink_to("../../blobs/c0ffee")
    (root / "tekken.json").symlink_to("tekken.json")
    found = await read_small_files(str(root), options=options())
    assert set(found.files) == {*WANTED, "merges.txt"}
    assert dict(found.left_out) == {
        "vocab.json": "is a link that leads out of the folder",
        "tekken.json": "can't be read: Too many levels of symbolic links",
    }
    assert found.digest == "" and len(found.weights) == 4
    alone = await read_small_files(str(root / "config.json"), options=options())
    assert list(alone.files) == ["config.json"]


async def test_a_local_folder_without_a_configuration(tmp_path, options):
    root = folder(tmp_path, [text("tokenizer.json", {})])
    with pytest.raises(UserError, match=r"abc: has no config.json; give"):
        await read_small_files(str(root), options=options())
