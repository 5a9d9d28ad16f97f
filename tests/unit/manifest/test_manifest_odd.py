"""Odd but legal spellings of YAML, with both of PyYAML's parsers."""

from __future__ import annotations

import functools

import pytest
import yaml
from manifest_styles import cars, effective, load
from test_manifest_apply import applied, change

from modelcar_tui.manifest import editor, reader, spans
from modelcar_tui.manifest.arguments import rewrite

ODD = {
    "explicit key": (
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments:\n"
        "      ? args\n"
        "      : - --a=1\n"
        "        - --b\n"
    ),
    "quoted keys": (
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    'serving_arguments':\n"
        '      "args":\n'
        "        - --a=1\n"
        "        - --b\n"
    ),
    "tagged": (
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments: !!map\n"
        "      args: !!seq\n"
        "        - !!str --a=1\n"
        "        - --b\n"
    ),
    "json": (
        '{"model-car":[{"name":"m","image":"oci://r/m:1","serving_arguments":{"args":["--a=1","--b"]}}]}'
    ),
    "json pretty": (
        "{\n"
        '  "model-car": [\n'
        "    {\n"
        '      "name": "m",\n'
        '      "image": "oci://r/m:1",\n'
        '      "serving_arguments": {\n'
        '        "args": [\n'
        '          "--a=1",\n'
        '          "--b"\n'
        "        ]\n"
        "      }\n"
        "    }\n"
        "  ]\n"
        "}\n"
    ),
    "json noserving": (
        "{\n"
        '  "model-car": [\n'
        "    {\n"
        '      "name": "m",\n'
        '      "image": "oci://r/m:1"\n'
        "    }\n"
        '  ], "default": {"serving_arguments": {"args": ["--a=1","--b"]}}\n'
        "}\n"
    ),
    "dash own line": (
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments:\n"
        "      args:\n"
        "        -\n"
        "          --a=1\n"
        "        -\n"
        "          --b\n"
    ),
    "doc marks": (
        "%YAML 1.1\n"
        "---\n"
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments:\n"
        "      args:\n"
        "        - --a=1\n"
        "        - --b\n"
        "...\n"
    ),
    "nel": (
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments:\x85"
        "      args:\x85"
        "        - --a=1\x85"
        "        - --b\x85"
    ),
    "cr": (
        "model-car:\r"
        "  - name: m\r"
        "    image: oci://r/m:1\r"
        "    serving_arguments:\r"
        "      args:\r"
        "        - --a=1\r"
        "        - --b\r"
    ),
    "mixed eol": (
        "model-car:\r\n"
        "  - name: m\r\n"
        "    image: oci://r/m:1\r\n"
        "    serving_arguments:\n"
        "      args:\r\n"
        "        - --a=1\n"
        "        - --b\r\n"
    ),
    "multi plain": (
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments:\n"
        "      args:\n"
        "        - --a=1\n"
        "        - --b\n"
        "          more\n"
        "    x-y: |+\n"
        "      k\n"
        "\n"
    ),
    "keep tail": (
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments:\n"
        "      args:\n"
        "        - --a=1\n"
        "        - --b\n"
        "    x-y: |+\n"
        "      k\n"
        "\n"
        "\n"
        "  - name: z\n"
        "    image: oci://r/z\n"
    ),
    "noserv keep": (
        "default: {serving_arguments: {args: [--a=1, --b]}}\n"
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    x-y: |+\n"
        "      k\n"
        "\n"
        "\n"
        "  - name: z\n"
        "    image: oci://r/z\n"
    ),
    "item inline": (
        "default: {serving_arguments: {args: [--a=1, --b]}}\nmodel-car: [{name: m, image: 'oci://r/m:1'}, ]\n"
    ),
    "item one line null": (
        "default: {serving_arguments: {args: [--a=1, --b]}}\n"
        "model-car: [{name: m, image: 'oci://r/m:1', serving_arguments: }]\n"
    ),
    "mapping": ("model-car:\n  name: m\n  image: oci://r/m:1\n  serving_arguments: {args: [--a=1, --b]}\n"),
    "flow comment": (
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments: {\n"
        "      args: [ # c\n"
        "        --a=1, # one\n"
        "        --b # two\n"
        "        , # three\n"
        "      ] # e\n"
        "    } # f\n"
    ),
    "alias after": (
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments: &s {args: [&x --a=1, --b]}\n"
        "x-a: [*x, *s]\n"
    ),
    "item alias": (
        "x: &i\n  name: m\n  image: oci://r/m:1\n  serving_arguments: {args: [--a=1, --b]}\nmodel-car:\n- "
        "*i\n"
    ),
    "list alias": (
        "x: &i\n- name: m\n  image: oci://r/m:1\n  serving_arguments: {args: [--a=1, --b]}\nmodel-car: *i\n"
    ),
    "root merge": (
        "x: &i\n"
        "  model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments: {args: [--a=1, --b]}\n"
        "<<: *i\n"
    ),
    "indent8": (
        "model-car:\n"
        "        - name: m\n"
        "          image: oci://r/m:1\n"
        "          serving_arguments:\n"
        "                  args:\n"
        "                  - --a=1\n"
        "                  - --b\n"
    ),
    "emptyflowspace": (
        "model-car:\n"
        "  - name: m\n"
        "    image: oci://r/m:1\n"
        "    serving_arguments: { }\n"
        "default: {serving_arguments: {args: [--a=1, --b]}}"
    ),
}
CHANGES = (
    ["--a=1 -> --a=2"],
    ["---a=1"],
    ["+--c=3", "gpus 2"],
    ["---a=1", "+--z"],
    ["gpus 3"],
)


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers give the same edits."""
    if request.param == "python":
        for module, name in ((editor, "compose_all"), (reader, "compose_all")):
            anew = functools.partial(getattr(spans, name), loader=yaml.SafeLoader)
            monkeypatch.setattr(module, name, anew)
    return str(request.param)


@pytest.mark.parametrize("changes", CHANGES, ids=" and ".join)
@pytest.mark.parametrize("name", ODD)
def test_odd_spellings(name: str, changes: list[str], parser: str) -> None:
    base = ODD[name]
    result = applied(base, *changes)
    before, after = load(base), load(result)
    old = effective(before, cars(before)[0])
    wanted = rewrite(tuple(old["args"]), [change(text) for text in changes])
    new = effective(after, cars(after)[0])
    assert new["args"] == list(wanted.args)
    assert new.get("gpu_count") == (wanted.gpu_count or old.get("gpu_count"))
    assert cars(after)[1:] == cars(before)[1:]
    rest = {key: value for key, value in before.items() if key != "model-car"}
    assert {key: value for key, value in after.items() if key != "model-car"} == rest
