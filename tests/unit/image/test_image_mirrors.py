from __future__ import annotations

import pytest
from image_kit import PARAMETERS, olot

from modelcar_tui.image.errors import ImageError
from modelcar_tui.image.inspect import inspect_image
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.registry.mirrors import endpoints, load_rules

CONF = """
unqualified-search-registries = ["quay.io"]
[[registry]]
prefix = "registry.redhat.io"
location = "mirror.example:5000/redhat"
insecure = true
[[registry]]
prefix = "registry.redhat.io/rhai"
location = "rhai.example"
[[registry.mirror]]
location = "near.example/rhai"
insecure = true
[[registry]]
prefix = "*.wild.example"
location = "tame.example"
[[registry]]
location = "blocked.example"
blocked = true
[[registry]]
insecure = true
[[registry]]
location = "own.example"
insecure = true
"""


def places(tmp_path, host, repository, text=CONF):
    path = tmp_path / "registries.conf"
    path.write_text(text)
    rules = load_rules(ImageOptions(registries_conf=str(path)))
    return [(each.host, each.repository, each.insecure) for each in endpoints(host, repository, rules)]


@pytest.mark.parametrize(
    ("host", "repository", "expected"),
    [
        ("quay.io", "a/b", [("quay.io", "a/b", False)]),
        ("registry.redhat.io", "x/y", [("mirror.example:5000", "redhat/x/y", True)]),
        ("registry.redhat.io", "rhai/y", [("near.example", "rhai/y", True), ("rhai.example", "y", False)]),
        ("registry.redhat.io", "rhaiis/y", [("mirror.example:5000", "redhat/rhaiis/y", True)]),
        ("a.wild.example", "x/y", [("tame.example", "x/y", False)]),
        ("own.example", "x/y", [("own.example", "x/y", True)]),
        ("own.example.evil", "x/y", [("own.example.evil", "x/y", False)]),
    ],
)
def test_prefixes_and_mirrors(tmp_path, host, repository, expected):
    assert places(tmp_path, host, repository) == expected


def test_blocked_registries_are_not_asked(tmp_path):
    with pytest.raises(ImageError) as caught:
        places(tmp_path, "blocked.example", "a")
    assert caught.value.problem.code == "registry-blocked"


@pytest.mark.parametrize("text", ["[[registry]", "\x00", "registry = 7\n[x"])
def test_a_broken_file_is_named(tmp_path, text):
    with pytest.raises(ImageError) as caught:
        places(tmp_path, "quay.io", "a", text)
    assert caught.value.problem.code == "registries-conf"


@pytest.mark.parametrize("text", ["", "registry = 7", "registry = [1]", "[[registry]]\nprefix = 7"])
def test_odd_rules_are_passed_over(tmp_path, text):
    assert places(tmp_path, "quay.io", "a", text) == [("quay.io", "a", False)]


def test_a_missing_file_that_was_named_is_said():
    with pytest.raises(ImageError):
        load_rules(ImageOptions(registries_conf="/nowhere/registries.conf"))


def test_dropped_in_files_replace_rules(alone):
    folder = alone / ".config" / "containers"
    (folder / "registries.conf.d").mkdir(parents=True)
    (folder / "registries.conf").write_text('[[registry]]\nlocation = "a.example"\ninsecure = true\n')
    (folder / "registries.conf.d" / "x.conf").write_text(
        '[[registry]]\nprefix = "a.example"\nlocation = "b.example"\n'
    )
    rules = load_rules(ImageOptions())
    assert [each.host for each in endpoints("a.example", "x", rules)] == ["b.example"]


async def test_a_dead_mirror_is_passed_over(serve, options, tmp_path):
    registry = serve({"a/model:1": olot()})
    conf = tmp_path / "registries.conf"
    conf.write_text(
        f'[[registry]]\nprefix = "real.example"\nlocation = "{registry.host}"\ninsecure = true\n'
        '[[registry.mirror]]\nlocation = "127.0.0.1:1"\ninsecure = true\n'
    )
    facts = await inspect_image("oci://real.example/a/model:1", options=options(registries_conf=str(conf)))
    assert facts.model.parameters.value == PARAMETERS
    assert facts.problems == ()


async def test_a_plain_registry_is_not_asked_without_leave(serve, options):
    registry = serve({"a/model:1": olot()})
    facts = await inspect_image(f"oci://{registry.host}/a/model:1", options=options())
    assert [problem.code for problem in facts.problems] == ["registry-plain-http"]
    assert "insecure" in facts.problems[0].fix
    trusted = await inspect_image(f"oci://{registry.host}/a/model:1", options=options(tls_verify=False))
    assert trusted.model.parameters.value == PARAMETERS


@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_proxies_from_the_environment_are_used(serve, options, tmp_path, monkeypatch, scheme):
    registry = serve({"a/model:1": olot()})

    def as_proxy(handler, path):
        assert handler.path.startswith("http://only.behind.proxy.invalid/v2/")
        handler.path = handler.path.removeprefix("http://only.behind.proxy.invalid")
        return False

    registry.intercept = as_proxy
    monkeypatch.setenv("http_proxy", f"{scheme}{registry.host}")
    conf = tmp_path / "registries.conf"
    conf.write_text('[[registry]]\nlocation = "only.behind.proxy.invalid"\ninsecure = true\n')
    told = options(registries_conf=str(conf))
    facts = await inspect_image("oci://only.behind.proxy.invalid/a/model:1", options=told)
    assert facts.problems == ()
    assert facts.model.parameters.value == PARAMETERS
