"""A registry that is down, slow, hostile or lying costs one model its facts, and says why."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import time
import tracemalloc

import pytest
import zstandard
from image_kit import CONFIG, PARAMETERS, layer_per_file, model_files, olot, one_layer

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.facts import Source
from modelcar_tui.core.reference import parse_reference
from modelcar_tui.demo.registry_blobs import TAR, Blob, File, make_image, olot_layer, tar_pieces
from modelcar_tui.image.inspect import inspect_image, inspect_images
from modelcar_tui.image.manifests import digest_of

LOGIN = "someone:s3cret-word"


def authfile(tmp_path, registry, login=LOGIN):
    path = tmp_path / "auth.json"
    path.write_text(
        json.dumps({"auths": {registry.host: {"auth": base64.b64encode(login.encode()).decode()}}})
    )
    return str(path)


async def look(registry, options, **more):
    return await inspect_image(f"oci://{registry.host}/a/foo-7b:1", options=options(registry, **more))


def codes(facts):
    return [problem.code for problem in facts.problems]


def still_guessed(facts):
    assert facts.size_bytes.value is None
    assert facts.size_bytes.note
    assert facts.model.parameters.source is Source.NAME
    assert all(str(problem).isprintable() for problem in facts.problems)


async def test_nobody_listens(options):
    facts = await inspect_image("oci://127.0.0.1:1/a/foo-7b:1", options=options())
    assert codes(facts) == ["registry-refused"]
    still_guessed(facts)


async def test_a_server_that_never_answers_costs_its_own_time_only(serve, options):
    registry = serve({"a/model:1": olot()})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        pairs = [
            (f"oci://127.0.0.1:{silent.getsockname()[1]}/a/foo-7b:1", "foo"),
            (f"oci://{registry.host}/a/model:1", "model"),
        ]
        order = []
        started = time.monotonic()
        async for index, facts in inspect_images(pairs, options=options(registry, timeout_s=1.5)):
            order.append(index)
            if index == 0:
                assert codes(facts) == ["registry-timeout"]
                still_guessed(facts)
            else:
                assert facts.model.parameters.value == PARAMETERS
    assert order == [1, 0]
    assert time.monotonic() - started < 60


async def test_a_server_that_drips_is_cut_off(serve, options):
    registry = serve({"a/foo-7b:1": olot()})

    def drip(handler, path):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        try:
            for _ in range(600):
                handler.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            pass
        return True

    registry.intercept = drip
    facts = await look(registry, options, timeout_s=0.8)
    assert codes(facts) == ["registry-timeout"]


@pytest.mark.parametrize("bearer", [False, True])
async def test_logins(serve, options, tmp_path, bearer):
    registry = serve({"a/foo-7b:1": olot()}, login=LOGIN, bearer=bearer)
    none = await look(registry, options)
    assert codes(none) == ["registry-auth"]
    assert none.problems[0].fix == f"skopeo login {registry.host}"
    still_guessed(none)
    wrong = await look(registry, options, authfile=authfile(tmp_path, registry, "someone:wrong-word"))
    assert codes(wrong) == ["registry-auth"]
    assert "wrong-word" not in str(wrong.problems)
    right = await look(registry, options, authfile=authfile(tmp_path, registry))
    assert right.problems == ()
    assert right.model.parameters.value == PARAMETERS


async def test_an_expired_token_is_renewed(serve, options, tmp_path):
    registry = serve({"a/foo-7b:1": olot()}, login=LOGIN, bearer=True)
    seen = []

    def expire(handler, path):
        seen.append(path)
        if "/blobs/" in path and seen.count("expired") < 1:
            seen.append("expired")
            registry.tokens.clear()
        return False

    registry.intercept = expire
    facts = await look(registry, options, authfile=authfile(tmp_path, registry))
    assert facts.problems == ()
    assert facts.model.parameters.value == PARAMETERS
    assert seen.count("/token") >= 2


async def test_a_login_that_is_refused_for_ever_ends(serve, options, tmp_path):
    registry = serve({"a/foo-7b:1": olot()}, login=LOGIN, bearer=True)
    registry.intercept = lambda handler, path: registry.tokens.clear()
    facts = await look(registry, options, authfile=authfile(tmp_path, registry))
    assert codes(facts) == ["registry-auth"]
    assert len(registry.requests) < 20


@pytest.mark.parametrize("body", [b"", b"[]", b'{"token": 7}', b'{"token": "a\\nb"}', b"<html>"])
async def test_a_token_service_that_talks_nonsense(serve, options, tmp_path, body):
    registry = serve({"a/foo-7b:1": olot()}, login=LOGIN, bearer=True)

    def nonsense(handler, path):
        if path == "/token":
            handler.answer(200, body)
            return True
        return False

    registry.intercept = nonsense
    facts = await look(registry, options, authfile=authfile(tmp_path, registry))
    assert codes(facts) == ["registry-protocol"]


async def test_redirects_carry_no_login_to_another_origin(serve, options, tmp_path):
    image = olot()
    storage = serve({"a/foo-7b:1": image})
    registry = serve({"a/foo-7b:1": image}, login=LOGIN)
    seen = []

    def note(handler, path):
        seen.append((handler.headers.get("Authorization"), handler.headers.get("Range")))
        return False

    def redirect(handler, path):
        if "/blobs/" in path and handler.headers.get("Authorization"):
            handler.answer(307, b"", {"Location": f"http://{storage.host}{path}"})
            return True
        return False

    storage.intercept, registry.intercept = note, redirect
    facts = await look(registry, options, authfile=authfile(tmp_path, registry))
    assert facts.model.parameters.value == PARAMETERS
    assert seen
    assert all(authorization is None for authorization, _ in seen)
    assert any(wanted for _, wanted in seen)


async def test_redirect_loops_end(serve, options):
    registry = serve({"a/foo-7b:1": olot()})

    def loop(handler, path):
        handler.answer(302, b"", {"Location": handler.path})
        return True

    registry.intercept = loop
    facts = await look(registry, options)
    assert codes(facts) == ["registry-redirect"]
    assert len(registry.requests) < 20


@pytest.mark.parametrize("way", ["redirect", "token service"])
async def test_no_registry_sends_us_where_clouds_keep_logins(serve, options, way):
    registry = serve({"a/foo-7b:1": olot()})

    def away(handler, path):
        if way == "redirect":
            handler.answer(307, b"", {"Location": "http://169.254.169.254/latest"})
        else:
            handler.answer(401, b"", {"WWW-Authenticate": 'Bearer realm="http://169.254.43518/token"'})
        return True

    registry.intercept = away
    facts = await look(registry, options)
    assert "link-local address, which is not asked" in str(facts.problems[0])
    still_guessed(facts)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "169.254.169.254:5000", "[fe80::1]:443", "169.254.43518"]
)
def test_no_reference_names_a_link_local_address(host):
    with pytest.raises(UserError, match="has a link-local address, at which no registry is asked"):
        parse_reference(f"oci://{host}/a/b:1")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x/y", "http://[", "//", "javascript:1"])
async def test_redirects_to_nowhere(serve, options, target):
    registry = serve({"a/foo-7b:1": olot()})

    def away(handler, path):
        handler.answer(307, b"", {"Location": target})
        return True

    registry.intercept = away
    facts = await look(registry, options)
    assert codes(facts)[0] in ("registry-redirect", "registry-protocol", "registry-dns", "registry-refused")
    still_guessed(facts)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "image-not-found"),
        (403, "registry-denied"),
        (500, "registry-server"),
        (418, "registry-protocol"),
    ],
)
async def test_statuses(serve, options, status, code):
    registry = serve({"a/foo-7b:1": olot()})

    def fail(handler, path):
        handler.error(status, "X")
        return True

    registry.intercept = fail
    facts = await look(registry, options)
    assert codes(facts) == [code]
    still_guessed(facts)


async def test_429_is_waited_out_as_the_server_asks(serve, options):
    registry = serve({"a/foo-7b:1": olot()})
    refused = []

    def limit(handler, path):
        if len(refused) < 2:
            refused.append(path)
            handler.error(429, "TOOMANYREQUESTS", {"Retry-After": "0"})
            return True
        return False

    registry.intercept = limit
    facts = await look(registry, options)
    assert facts.model.parameters.value == PARAMETERS


async def test_429_for_ever_ends_within_the_time_of_one_image(serve, options):
    registry = serve({"a/foo-7b:1": olot()})

    def limit(handler, path):
        handler.error(429, "TOOMANYREQUESTS", {"Retry-After": "86400"})
        return True

    registry.intercept = limit
    started = time.monotonic()
    facts = await look(registry, options, total_timeout_s=1.0)
    assert time.monotonic() - started < 60, "the registry asks for a day"
    assert codes(facts)[0] in ("registry-rate-limit", "registry-timeout")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"layers": [1]}',
        b'{"layers": [{"size": -1}]}',
        b'{"schemaVersion": 1}',
        b"[" * 100_000,
    ],
)
async def test_manifests_that_are_none(serve, options, body):
    registry = serve({"a/foo-7b:1": olot()})

    def nonsense(handler, path):
        handler.answer(200, body)
        return True

    registry.intercept = nonsense
    facts = await look(registry, options)
    assert codes(facts) == ["image-malformed"]
    still_guessed(facts)


async def test_an_endless_manifest_is_cut(serve, options):
    registry = serve({"a/foo-7b:1": olot()})

    def endless(handler, path):
        handler.answer(200, b" " * (5 << 20))
        return True

    registry.intercept = endless
    assert codes(await look(registry, options)) == ["image-too-large"]


async def test_a_manifest_of_another_digest_is_refused(serve, options):
    registry = serve({"a/foo-7b:1": olot()})

    def lie(handler, path):
        handler.answer(200, b'{"layers": []}', {"Docker-Content-Digest": "sha256:" + "0" * 64})
        return True

    registry.intercept = lie
    facts = await look(registry, options)
    assert codes(facts) == ["image-digest"]


async def test_a_small_blob_of_another_digest_is_refused(serve, options):
    image = olot()
    registry = serve({"a/foo-7b:1": image})
    victim = next(
        blob
        for blob in image.blobs.values()
        if blob.annotations.get("olot.layer.content.name") == "config.json"
    )
    raw = victim.read(0, victim.size).replace(b"Llama", b"Lloma")

    def tamper(handler, path):
        if victim.digest in path:
            handler.answer(200, raw)
            return True
        return False

    registry.intercept = tamper
    facts = await look(registry, options)
    assert "image-digest" in codes(facts)
    assert facts.model.config is None


def range_lies():
    def whole(handler, blob, start, end):
        handler.answer(200, blob.read(0, blob.size))

    def other_range(handler, blob, start, end):
        told = {"Content-Range": f"bytes {start + 1}-{end + 1}/{blob.size}"}
        handler.answer(206, blob.read(start, end - start + 1), told)

    def short(handler, blob, start, end):
        handler.answer(206, blob.read(start, 10), {"Content-Range": f"bytes {start}-{end}/{blob.size}"})

    def cut(handler, blob, start, end):
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{end}/{blob.size}")
        handler.send_header("Content-Length", str(end - start + 1))
        handler.end_headers()
        handler.wfile.write(blob.read(start, 100))
        handler.close_connection = True

    def no_header(handler, blob, start, end):
        handler.answer(206, blob.read(start, end - start + 1))

    def other_size(handler, blob, start, end):
        told = {"Content-Range": f"bytes {start}-{end}/{blob.size + 1}"}
        handler.answer(206, blob.read(start, end - start + 1), told)

    return [whole, other_range, short, cut, no_header, other_size]


@pytest.mark.parametrize("lie", range_lies(), ids=lambda lie: lie.__name__)
async def test_lying_ranges_are_noticed(serve, options, lie):
    image = one_layer("")
    registry = serve({"a/foo-7b:1": image})

    def intercept(handler, path):
        wanted = handler.headers.get("Range")
        if not wanted or "/blobs/" not in path:
            return False
        start, end = (int(part) for part in wanted.removeprefix("bytes=").split("-"))
        lie(handler, image.blobs[path.rpartition("/")[2]], start, end)
        return True

    registry.intercept = intercept
    facts = await look(registry, options)
    assert facts.problems
    assert facts.size_bytes.known, "the manifest was good"
    assert facts.model.parameters.source is not Source.HEADERS
    assert set(codes(facts)) <= {"registry-protocol", "registry-network", "image-malformed", "image-digest"}


async def test_a_server_without_range_still_serves_layers_by_their_beginning(serve, options):
    image = olot()
    registry = serve({"a/foo-7b:1": image})

    def whole(handler, path):
        if handler.headers.get("Range") and "/blobs/" in path:
            blob = image.blobs[path.rpartition("/")[2]]
            handler.answer(200, blob.read(0, blob.size))
            return True
        return False

    registry.intercept = whole
    facts = await look(registry, options)
    assert facts.model.parameters.value == PARAMETERS


async def test_a_layer_that_claims_a_size_it_has_not(serve, options):
    image = olot()
    raw, kind = next(iter(image.manifests.values()))
    data = json.loads(raw)
    for layer in data["layers"]:
        layer["size"] += 50_000_000
    bad = make_image([])
    bad.top = json.dumps(data).encode()
    bad.digest = digest_of(bad.top)
    bad.manifests = {bad.digest: (bad.top, kind)}
    bad.blobs = image.blobs
    registry = serve({"a/foo-7b:1": bad})
    facts = await look(registry, options)
    assert "image-malformed" in codes(facts)
    assert facts.model.parameters.source is not Source.HEADERS


def packed(raw: bytes, how: str) -> Blob:
    data = gzip.compress(raw, 9) if how == "gzip" else zstandard.ZstdCompressor(level=3).compress(raw)
    return Blob((data,), f"{TAR}+{how}")


@pytest.mark.parametrize("how", ["gzip", "zstd"])
@pytest.mark.parametrize("bomb", ["config", "entries", "header", "far"])
async def test_bombs_go_off_outside(serve, options, how, bomb):
    if bomb == "config":
        raw = b"".join(
            bytes(piece) if isinstance(piece, int) else piece
            for piece in tar_pieces([File("config.json", (120_000_000,))])
        )
    elif bomb == "entries":
        raw = b"".join(
            bytes(piece) if isinstance(piece, int) else piece
            for piece in tar_pieces([File(f"f{number}", ()) for number in range(5_500)])
        )
    elif bomb == "header":
        raw = b"".join(
            bytes(piece) if isinstance(piece, int) else piece
            for piece in tar_pieces(
                [File("model.safetensors", ((2 << 30).to_bytes(8, "little"), 100_000_000))]
            )
        )
    else:
        raw = b"".join(
            bytes(piece) if isinstance(piece, int) else piece
            for piece in tar_pieces([File("README.md", (100_000_000,)), File("config.json", (b"{}",))])
        )
    blob = packed(raw, how)
    del raw
    registry = serve({"a/foo-7b:1": make_image([blob])})
    tracemalloc.start()
    started = time.monotonic()
    facts = await look(registry, options)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60_000_000
    assert time.monotonic() - started < 120
    assert facts.model.tensors is None


@pytest.mark.parametrize("length", [0, 1, 2 << 30, 1 << 62, (1 << 64) - 1])
async def test_absurd_header_lengths(serve, options, length):
    files = [
        File("config.json", (json.dumps(CONFIG).encode(),)),
        File("model.safetensors", (length.to_bytes(8, "little"), 5_000_000_000)),
    ]
    registry = serve({"a/foo-7b:1": make_image([olot_layer(file) for file in files])})
    facts = await look(registry, options)
    assert facts.model.config == CONFIG
    assert facts.model.tensors is None
    assert facts.model.weight_bytes.source is Source.LAYERS
    assert codes(facts) == ["image-too-large"] if length == 2 << 30 else ["image-malformed"]


CONFIGS = [
    b"",
    b"[]",
    b"7",
    b"null",
    b"{",
    b"[" * 50_000,
    b'{"a":' * 5000,
    b"\xff\xfe",
    b'{"torch_dtype": 7, "quantization_config": [1]}',
    b'{"quantization_config": {"config_groups": {"a": 1, "b": {"weights": {"num_bits": 1e300}}}}}',
    b'{"hidden_size": 1e999, "vocab_size": -1, "x": ' + b"9" * 10_000 + b"}",
]


@pytest.mark.parametrize("config", CONFIGS)
async def test_config_json_of_any_shape(serve, options, config):
    files = [File("config.json", (config,)), *(file for file in model_files() if file.name != "config.json")]
    registry = serve({"a/foo-7b:1": make_image([olot_layer(file) for file in files])})
    facts = await look(registry, options)
    assert facts.model.parameters.value == PARAMETERS, "the headers are still good"
    assert facts.size_bytes.known


async def test_the_others_are_untouched_by_one_bad_layer(serve, options):
    image = layer_per_file("gzip")
    broken = Blob((b"\x1f\x8b" + b"\x00" * 100,), f"{TAR}+gzip")
    layers = [blob for blob in image.blobs.values() if "config.v1" not in blob.media_type]
    registry = serve({"a/foo-7b:1": make_image([broken, *layers])})
    facts = await look(registry, options)
    assert facts.model.parameters.value == PARAMETERS
    assert codes(facts) == ["image-malformed"]
