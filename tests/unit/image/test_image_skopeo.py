from __future__ import annotations

import asyncio
import json
import os
import time

import pytest

from modelcar_tui.core.facts import Source
from modelcar_tui.core.reference import parse_reference
from modelcar_tui.image.errors import ImageError, Trouble
from modelcar_tui.image.inspect import inspect_image
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.skopeo import classify, skopeo_inspect

REFERENCE = parse_reference("oci://registry.redhat.io/rhelai1/modelcar-phi-4:1.5")
DIGEST = "sha256:" + "0" * 63


def manifest(*sizes):
    layers = [
        {"digest": f"{DIGEST}{index:x}", "size": size, "mediaType": "l"} for index, size in enumerate(sizes)
    ]
    config = {"digest": f"{DIGEST}f", "size": 2, "mediaType": "c"}
    return json.dumps({"schemaVersion": 2, "config": config, "layers": layers})


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A `skopeo` on PATH that is a shell script; returns a writer and the file where it logs its argv."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "argv"

    def write(body: str):
        program = folder / "skopeo"
        program.write_text(f'#!/bin/sh\necho "$@" >> {log}\n{body}\n')
        program.chmod(0o755)
        return log

    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("OCI_REGISTRY_PULL_SECRET", raising=False)
    return write


def answers(raw: str, config: str = '{"architecture":"amd64"}') -> str:
    return f"case \"$*\" in *--config*) echo '{config}';; *) printf %s '{raw}';; esac"


async def test_size_and_architecture(fake):
    log = fake(answers(manifest(100, 50)))
    image = await skopeo_inspect(REFERENCE, timeout_s=5, registries_conf="/r.conf", authfile="/a.json")
    assert image.manifest.size == 150
    assert image.architectures == ("amd64",)
    first, second = log.read_text().splitlines()
    target = "docker://registry.redhat.io/rhelai1/modelcar-phi-4:1.5"
    assert (
        first == f"--command-timeout 5s --registries-conf /r.conf inspect --raw --authfile /a.json {target}"
    )
    assert "inspect --config" in second


async def test_an_index_gives_its_architectures_and_one_manifests_size(fake):
    children = [
        {"digest": f"{DIGEST}{index}", "platform": {"os": "linux", "architecture": arch}}
        for index, arch in enumerate(["arm64", "amd64", "ppc64le"])
    ]
    children.append({"digest": f"{DIGEST}9", "platform": {"os": "unknown", "architecture": "unknown"}})
    index = json.dumps({"schemaVersion": 2, "manifests": children})
    log = fake(f"case \"$*\" in *@{DIGEST}1) printf %s '{manifest(7)}';; *) printf %s '{index}';; esac")
    image = await skopeo_inspect(REFERENCE)
    assert image.architectures == ("arm64", "amd64", "ppc64le")
    assert (image.manifest.size, image.size_of) == (7, "amd64")
    assert len(log.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("unauthorized: authentication required", Trouble.AUTH),
        ("unable to retrieve auth token: invalid username/password: unauthorized", Trouble.AUTH),
        ('unmarshaling JSON at \\"/x/auth.json\\": invalid character', Trouble.AUTH_FILE),
        ("reading manifest 1 in h/r: denied: no", Trouble.DENIED),
        ("reading manifest 1 in h/r: manifest unknown", Trouble.NOT_FOUND),
        ("pinging: x509: certificate signed by unknown authority", Trouble.TLS),
        ("http: server gave HTTP response to HTTPS client", Trouble.PLAIN_HTTP),
        ("dial tcp: connect: connection refused", Trouble.REFUSED),
        ("dial tcp: lookup h: no such host", Trouble.DNS),
        ("dial tcp: i/o timeout", Trouble.TIMEOUT),
        ("context deadline exceeded", Trouble.TIMEOUT),
        ("toomanyrequests: rate limit", Trouble.RATE_LIMIT),
        ("received unexpected HTTP status: 500 Internal Server Error", Trouble.SERVER),
        ("invalid character '<' looking for beginning of value", Trouble.PROTOCOL),
    ],
)
def test_words_are_classified(words, kind):
    assert classify(f'time="x" level=fatal msg="{words}"') is kind


async def test_a_failure_becomes_one_line_with_its_fix(fake):
    fake(
        """echo 'time="t" level=fatal msg="Error: reading manifest: unauthorized: \x1b[31mno"' >&2; exit 1"""
    )
    with pytest.raises(ImageError) as caught:
        await skopeo_inspect(REFERENCE)
    assert caught.value.problem.fix == "skopeo login registry.redhat.io"
    assert str(caught.value.problem).isprintable()


async def test_a_hanging_skopeo_is_killed_with_its_children(fake, tmp_path):
    pids = tmp_path / "pids"
    fake(f"sleep 600 & echo $! > {pids}; wait")
    started = time.monotonic()
    with pytest.raises(ImageError) as caught:
        await skopeo_inspect(REFERENCE, timeout_s=0.3)
    assert caught.value.kind is Trouble.TIMEOUT
    assert time.monotonic() - started < 60, "it would sleep for ten minutes"
    with pytest.raises(ProcessLookupError):
        for _ in range(1000):
            os.kill(int(pids.read_text()), 0)
            await asyncio.sleep(0.01)


async def test_endless_output_is_cut(fake):
    fake("yes")
    with pytest.raises(ImageError) as caught:
        await skopeo_inspect(REFERENCE)
    assert caught.value.kind is Trouble.TOO_LARGE


@pytest.mark.parametrize("raw", ["", "[]", "{}", '{"layers":[{"size":-1}]}', '{"layers":7}', "<html>"])
async def test_nonsense_is_malformed(fake, raw):
    fake(answers(raw))
    with pytest.raises(ImageError) as caught:
        await skopeo_inspect(REFERENCE)
    assert caught.value.kind is Trouble.MALFORMED


async def test_the_pull_secret_never_reaches_argv_or_the_environment(fake, monkeypatch, tmp_path):
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", "dXNlcjpwYXNzd29yZA==")
    seen = tmp_path / "seen"
    log = fake(
        f"for a; do case $p in --authfile) stat -c %a $a >> {seen}; cat $a >> {seen}; "
        f"echo >> {seen}; echo $a > {seen}.path;; esac; "
        f"p=$a; done; env >> {seen}.env\n" + answers(manifest(1))
    )
    facts = await inspect_image(REFERENCE.text, options=ImageOptions(use_cache=False))
    assert facts.size_bytes.value == 1
    assert "dXNlcjpwYXNzd29yZA==" not in log.read_text()
    assert "password" not in log.read_text()
    assert "OCI_REGISTRY_PULL_SECRET" not in (tmp_path / "seen.env").read_text()
    assert seen.read_text().startswith("600\n")
    assert json.loads(seen.read_text().splitlines()[1])["auths"] == {
        "registry.redhat.io": {"auth": "dXNlcjpwYXNzd29yZA=="}
    }
    assert not os.path.exists((tmp_path / "seen.path").read_text().strip())


async def test_the_pull_secret_stays_away_from_other_hosts(fake, monkeypatch):
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", "dXNlcjpwYXNzd29yZA==")
    log = fake(answers(manifest(1)))
    await inspect_image("oci://evil.example/a/b:1", options=ImageOptions(use_cache=False))
    assert "--authfile" not in log.read_text()


async def test_without_skopeo_size_is_unknown_and_the_name_still_speaks(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    facts = await inspect_image("oci://127.0.0.1:1/a/modelcar-foo-7b-fp8:1", "foo", options=ImageOptions())
    assert facts.size_bytes.value is None
    assert facts.model.parameters.source is Source.NAME
    assert any(problem.fix == "dnf install skopeo" for problem in facts.problems)
