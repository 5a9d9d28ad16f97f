"""Changes of Kubernetes objects: lists, scripts, counts and what hangs on them; every other byte stays."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import pytest
import yaml

from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest.apply import apply_with_places
from modelcar_tui.manifest.diff import text_hunks
from modelcar_tui.manifest.kinds import reading
from modelcar_tui.manifest.kinds.objects import KubeObject, below
from modelcar_tui.manifest.kinds.places import CountPlace, ListPart, Path, Place, TextPart
from modelcar_tui.manifest.kinds.pods import accelerator_of, count_places
from modelcar_tui.manifest.kinds.requests import File, Found, Read, read_of
from modelcar_tui.manifest.plan import Change, Operation, Plan
from modelcar_tui.manifest.spans import Mapping, Scalar, Sequence, deref
from modelcar_tui.manifest.types import Server

ADD, SET, REMOVE, GPUS = Operation.ADD, Operation.SET, Operation.REMOVE, Operation.GPU_COUNT


def read(one: KubeObject, _file: File) -> Iterator[Read]:
    """A container below `spec`, with a list `args`, else a script's flags; the tensor size in `tensor`."""
    container = below(one.root, "spec")
    path: Path = (*one.path, "spec")
    assert isinstance(container, Mapping)
    parts: list[ListPart | TextPart] = []
    words: list[str] = []
    args = below(container, "args")
    script = below(container, "script")
    if isinstance(script, Scalar):
        found = [*re.finditer(r"--(?:'[^']*'|[^\s'])+", script.value)]
        spans = tuple(word.span() for word in found)
        parts = [TextPart((*path, "script"), script, spans, spans[-1][1])]
        words += [word[0].replace("'", "") for word in found]
    elif isinstance(args, Sequence):
        texts = [deref(item) for item in args.items]
        own = [
            at for at, item in enumerate(texts) if isinstance(item, Scalar) and item.value.startswith("--")
        ]
        parts = [ListPart((*path, "args"), args, tuple(own))]
        words += [item.value for item in texts if isinstance(item, Scalar) and item.value.startswith("--")]
    resource, count = accelerator_of(container)
    gpus = count_places(container, path, resource)
    tensor = below(container, "tensor")
    place = Place(
        document=one.document,
        words=tuple(words),
        parts=tuple(parts),
        grows=parts[0].path if parts else (*path, "args"),
        parent=None if parts else container,
        gpus=gpus,
        gpus_parent=None if gpus else path,
        ranks=(CountPlace((*path, "tensor"), tensor),) if isinstance(tensor, Scalar) else (),
    )
    yield read_of(
        Found(
            object=one,
            name=one.name,
            image="",
            image_node=None,
            place=place,
            gpus=count or 0,
            server=Server(),
        )
    )


@pytest.fixture(autouse=True)
def _reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reading.READERS, ("example.com", "Server"), read)


def change(
    flag: str, operation: Operation, new: str | None = None, old: str | None = None, of: str = "a"
) -> Change:
    """A change of one argument."""
    return Change(
        id=f"{of}/{flag}", model=of, operation=operation, flag=flag, old=old, new=new, reason="it is slow"
    )


def applied(text: str, *changes: Change) -> str:
    """The text after some changes, which are shown, too."""
    data = text.encode()
    plan = Plan(base="x.yaml", base_sha256=hashlib.sha256(data).hexdigest(), target="y.yaml", changes=changes)
    new, _ = apply_with_places(data, plan)
    shown = {one for hunk in text_hunks(data, plan) for one in hunk.changes}
    assert shown == {one.id for one in changes}
    return new.decode()


def server(spec: str, name: str = "a") -> str:
    """One object; `spec` is flush left."""
    lines = "".join(f"  {line}\n" for line in spec.splitlines())
    return f"apiVersion: example.com/v1\nkind: Server\nmetadata: {{name: {name}}}  # mine\nspec:\n{lines}"


LIST = 'args:\n- "serve"   # the program\n- "--a=1"  # one\n- 8000\n-   "--b"\nimage: x'
SET_A = change("--a", SET, "--a=2", "--a=1")
DROP_B = change("--b", REMOVE, old="--b")
ADD_C = change("--c", ADD, "--c=3")
TWO = change("gpu_count", GPUS, "2")


def test_a_list_changes_item_by_item() -> None:
    text = server(LIST)
    assert applied(text, SET_A, DROP_B, ADD_C) == text.replace("--a=1", "--a=2").replace(
        '-   "--b"', '-   "--c=3"'
    )


def test_only_the_object_that_changes_and_only_its_document() -> None:
    text = f"# first\n---\n{server(LIST, 'b')}---\n{server(LIST)}...\n---\nkind: Other\nx: [1, ]\n"
    first, second = text.split("---\n" + server(LIST), 1)
    assert applied(text, SET_A) == first + "---\n" + server(LIST.replace("a=1", "a=2")) + second
    both = applied(text, SET_A, change("--b", REMOVE, old="--b", of="b"))
    assert both.count("--a=2") == both.count('"--b"') == 1


def test_windows_lines_and_a_file_without_a_last_line_end() -> None:
    text = server(LIST).replace("\n", "\r\n").removesuffix("\r\n")
    assert applied(text, ADD_C) == text.replace('"--b"', '"--b"\r\n  -   "--c=3"')


def test_a_list_that_is_not_there_yet() -> None:
    text = server("image: x\nenv: []  # none")
    assert applied(text, ADD_C) == text + "  args:\n    - --c=3\n"
    assert applied(server("image: x\nargs:"), ADD_C) == server("image: x\nargs:\n  - --c=3")
    assert applied(server("{image: x}"), ADD_C) == server("{image: x, args: [--c=3]}")
    assert applied(server("args: []"), ADD_C) == server("args:\n  - --c=3")


SCRIPT = "script: |\n  set -e\n  vllm serve m \\\n    --a=1 \\\n    --b  # slow\nimage: x"


def test_a_literal_script_keeps_its_lines() -> None:
    text = server(SCRIPT)
    assert applied(text, SET_A) == text.replace("--a=1", "--a=2")
    assert applied(text, DROP_B) == text.replace(" \\\n      --b  #", "  #")
    assert applied(text, change("--a", REMOVE, old="--a=1")) == text.replace("      --a=1 \\\n", "")
    assert applied(text, ADD_C) == text.replace("--b  #", "--b \\\n      --c=3  #")
    assert applied(text.replace("\n", "\r\n"), ADD_C) == text.replace(
        "--b  #", "--b \\\n      --c=3  #"
    ).replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("script", "before"),
    [
        ("script: vllm serve m --a=1 --b", " "),
        ("script: >-\n  vllm serve m\n  --a=1\n  --b\nimage: x", "\n    "),
        ("script: vllm serve m\n  --a=1\n  --b\nimage: x", "\n    "),
        ("script: 'vllm serve ''m''\n  --a=1\n  --b'", "\n    "),
        ('script: "vllm serve \\"m\\" \\\n  --a=1\n  --b"', "\n    "),
        ('script: "vllm serve m \\\\\\n  --a=1 \\\\\\n  --b\\n"', " \\\\\\n  "),
        ("script: vllm serve m --a=1 --b  # why", " "),
        ("{script: vllm serve m --a=1 --b, image: x}", " "),
    ],
)
def test_other_styles_keep_theirs(script: str, before: str) -> None:
    text = server(script)
    assert applied(text, SET_A) == text.replace("--a=1", "--a=2")
    assert applied(text, ADD_C) == text.replace("--b", f"--b{before}--c=3")
    assert applied(text, DROP_B) == text.replace(f"{before}--b", "")


def test_what_a_shell_would_split_is_quoted_for_both() -> None:
    json = change("--c", ADD, """--c={"a": "b'c"}""")
    new = server("script: vllm serve m --a=1")
    assert applied(new, change("--c", ADD, '--c={"a": 1}')).endswith(
        "script: 'vllm serve m --a=1 --c=''{\"a\": 1}'''\n"
    )
    with pytest.raises(UserError, match="can't be written"):
        applied(
            new, json
        )  # the reader of this test knows no quotes in quotes: what can't be read again is not written


ASKED = 'resources:\n  requests: {nvidia.com/gpu: 1, cpu: 2}\n  limits:\n    nvidia.com/gpu: "1"  # all'
COUNTS = f"{ASKED}\ntensor: 1"


def test_all_counts_and_what_hangs_on_them() -> None:
    text = server(COUNTS)
    assert applied(text, TWO) == text.replace("gpu: 1", "gpu: 2").replace('"1"', '"2"').replace(
        "r: 1", "r: 2"
    )
    other = text.replace("tensor: 1", "tensor: 4")
    assert applied(other, TWO) == other.replace("gpu: 1", "gpu: 2").replace('"1"', '"2"')


def test_the_tensor_size_goes_where_it_stands() -> None:
    text = server(f"{COUNTS}\nargs: [--a=1]")
    size = change("--tensor-parallel-size", ADD, "--tensor-parallel-size=4")
    assert applied(text, size) == text.replace("tensor: 1", "tensor: 4")
    both = applied(text, size, change("gpu_count", GPUS, "4"))
    assert both == text.replace("gpu: 1", "gpu: 4").replace('"1"', '"4"').replace("tensor: 1", "tensor: 4")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("image: x", 'image: x\nresources:\n  limits:\n    nvidia.com/gpu: "2"'),
        ("image: x\nresources: {}", 'image: x\nresources: {limits: {nvidia.com/gpu: "2"}}'),
        (
            "resources:\n  limits:\n    cpu: 1  # few\nimage: x",
            'resources:\n  limits:\n    cpu: 1  # few\n    nvidia.com/gpu: "2"\nimage: x',
        ),
        ("resources: {limits: {cpu: 1}}", 'resources: {limits: {cpu: 1, nvidia.com/gpu: "2"}}'),
    ],
)
def test_a_count_where_no_gpu_is_asked_for(before: str, after: str) -> None:
    assert applied(server(before), TWO) == server(after)


def test_two_ends_at_one_place_keep_their_depth() -> None:
    text = server("image: x\nresources:\n  limits:\n    cpu: 1")
    assert applied(text, ADD_C, TWO) == f'{text}      nvidia.com/gpu: "2"\n  args:\n    - --c=3\n'


def test_what_another_shares_stays_the_others() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n"
        "- apiVersion: example.com/v1\n  kind: Server\n  metadata: {name: b}\n"
        "  spec: &spec\n    image: x\n    args: &args\n    - --a=1  # one\n    - --b\n"
        "- apiVersion: example.com/v1\n  kind: Server\n  metadata: {name: a}\n"
        "  spec:\n    <<: *spec\n    tensor: 1\n"
        "- apiVersion: example.com/v1\n  kind: Server\n  metadata: {name: c}\n  spec: {args: *args}\n"
    )
    mine = applied(text, SET_A)
    assert mine == text.replace("    tensor: 1\n", "    tensor: 1\n    args:\n    - --a=2\n    - --b\n")
    theirs = applied(text, change("--a", SET, "--a=2", "--a=1", of="b"))
    first, *others = yaml.safe_load(theirs)["items"]
    assert "--a=2  # one" in theirs
    assert first["spec"]["args"] == ["--a=2", "--b"]
    assert [one["spec"]["args"] for one in others] == [["--a=1", "--b"]] * 2


def test_a_count_without_a_place_is_one_line() -> None:
    with pytest.raises(UserError, match="no model"):
        applied(server(LIST), change("--a", SET, "--a=2", of="z"))
