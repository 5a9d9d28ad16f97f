from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.reference import TRANSPORTS, parse_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "transport", "host", "repository", "tag", "digest"),
    [
        (
            "oci://registry.redhat.io/rhelai1/phi-4:1.5",
            "oci",
            "registry.redhat.io",
            "rhelai1/phi-4",
            "1.5",
            None,
        ),
        ("oci+modelcar://quay.io/a/b", "oci+modelcar", "quay.io", "a/b", None, None),
        ("docker://localhost:5000/a/b/c:x_Y.1", "docker", "localhost:5000", "a/b/c", "x_Y.1", None),
        ("127.0.0.1:5000/a:1", "oci", "127.0.0.1:5000", "a", "1", None),
        ("oci://[::1]:5000/a:1", "oci", "[::1]:5000", "a", "1", None),
        (f"oci://quay.io/a/b:1@{DIGEST}", "oci", "quay.io", "a/b", "1", DIGEST),
        (f"quay.io/a/b@{DIGEST}", "oci", "quay.io", "a/b", None, DIGEST),
        ("team/model:1", "oci", "docker.io", "team/model", "1", None),
        ("model", "oci", "docker.io", "library/model", None, None),
    ],
)
def test_parts(text, transport, host, repository, tag, digest):
    parsed = parse_reference(text)
    assert (parsed.transport, parsed.host, parsed.repository, parsed.tag, parsed.digest) == (
        transport,
        host,
        repository,
        tag,
        digest,
    )


def test_a_digest_wins_over_the_tag():
    assert parse_reference(f"quay.io/a/b:1@{DIGEST}").pull == f"quay.io/a/b@{DIGEST}"
    assert parse_reference("quay.io/a/b").pull == "quay.io/a/b:latest"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("hf://meta/llama", "hf://"),
        ("s3://bucket/model", "s3://"),
        ("oci://", "repository"),
        ("oci://quay.io/", "repository"),
        ("oci://quay.io/Upper/Case:1", "repository"),
        ("oci://quay.io/a b:1", "not an image reference"),
        ("oci://quay.io/a:", "tag"),
        ("oci://quay.io/a:1@sha256:12", "digest"),
        ("oci://quay.io/a@", "digest"),
        ("oci://evil host/a", "not an image reference"),
        ("oci://-x.io/a", "host"),
        ("oci://quay.io/../a", "repository"),
        ("oci://quay.io/a:" + "x" * 200, "tag"),
        ("q" * 5000, "not an image reference"),
    ],
)
def test_bad_references_say_what_and_how_to_mend(text, says):
    with pytest.raises(UserError) as caught:
        parse_reference(text)
    problem = caught.value.problems[0]
    assert says in problem.what
    assert problem.fix
    assert "\n" not in str(problem)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused(text):
    try:
        parsed = parse_reference(text)
    except UserError as error:
        assert str(error).isprintable()
    else:
        assert parsed.transport in TRANSPORTS
        assert parse_reference(f"docker://{parsed.pull}").pull == parsed.pull
