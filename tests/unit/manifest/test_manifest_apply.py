"""Edits by span: the bytes that change, and only those."""

from __future__ import annotations

import hashlib
import re

import pytest
from manifest_styles import load, plan_for

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.resources import samples
from modelcar_tui.manifest.apply import apply_changes
from modelcar_tui.manifest.arguments import accepted_changes, effective, rewrite
from modelcar_tui.manifest.diff import text_hunks, unified_patch
from modelcar_tui.manifest.masked import masked_text
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.plan import Change, Decision, Operation
from modelcar_tui.manifest.reader import parse_manifest
from modelcar_tui.manifest.types import ArgumentsFrom, ServingArguments
from support.masks import unnumbered

HEAD = "model-car:\n  - name: m\n    image: oci://r/m:1\n"


def change(text: str, model: str = "m") -> Change:
    """`-item` removes, `+item` adds, `old -> new` sets, `gpus N` sets the count."""
    if text.startswith("gpus "):
        return _change(model, text, Operation.GPU_COUNT, "gpu_count", None, text[5:])
    if " -> " in text:
        old, new = text.split(" -> ")
        return _change(model, text, Operation.SET, re.split("[= ]", old)[0], old, new)
    operation = Operation.ADD if text.startswith("+") else Operation.REMOVE
    item = text[1:]
    old, new = (None, item) if operation is Operation.ADD else (item, None)
    return _change(model, text, operation, re.split("[= ]", item)[0], old, new)


def _change(
    model: str, text: str, operation: Operation, flag: str, old: str | None, new: str | None
) -> Change:
    return Change(
        id=f"{model}/{text}", model=model, operation=operation, flag=flag, old=old, new=new, reason="r"
    )


def applied(base: str, *texts: str, model: str = "m") -> str:
    data = base.encode()
    return apply_changes(data, plan_for(data, [change(text, model) for text in texts])).decode()


# serving arguments below HEAD, changes, what they become
S = "    serving_arguments:\n"
A = S + "      args:\n"
CASES = [
    pytest.param(
        A + "        - --a=1   # one\n        # between\n        - '--b=2'\n        - --c\n",
        ["--b=2 -> --b=3", "---c", "+--d=4"],
        A + "        - --a=1   # one\n        # between\n        - '--b=3'\n        - --d=4\n",
        id="block list with comments and quotes",
    ),
    pytest.param(
        S + "      args:\n      - --seed  # pair\n      - '64'\n      - --x\n",
        ["--seed 64 -> --seed=1"],
        S + "      args:\n      - --seed=1  # pair\n      - --x\n",
        id="a pair becomes one item",
    ),
    pytest.param(
        S + "      args:\n      - --seed\n      - '64'\n      - --x\n",
        ["---seed 64"],
        S + "      args:\n      - --x\n",
        id="a pair goes together",
    ),
    pytest.param(
        S + "      args:\n      - --seed\n      - '64'\n      - --x\n",
        ["---seed"],
        S + "      args:\n      - --x\n",
        id="a bare flag takes its value along",
    ),
    pytest.param(
        '    serving_arguments: {gpu_count: 1, args: [--a, "--b", --c]}  # flow\n',
        ["---b", "gpus 2", "--c -> --c=1"],
        "    serving_arguments: {gpu_count: 2, args: [--a, --c=1]}  # flow\n",
        id="flow",
    ),
    pytest.param(
        S + "      args: [\n        --a,  # one\n        --b  # two\n      ]\n",
        ["---a", "+--c"],
        None,
        id="flow over lines keeps a comment of what is removed",
    ),
    pytest.param(
        S + "      args: [\n        --a,\n        --b  # two\n      ]\n",
        ["---a", "+--c"],
        S + "      args: [\n        --b,  # two\n        --c\n      ]\n",
        id="flow over lines",
    ),
    pytest.param(
        S + "      args:  # none left\n        - --a\n      gpu_count: 1\n",
        ["---a"],
        S + "      args: []  # none left\n      gpu_count: 1\n",
        id="the last argument",
    ),
    pytest.param(
        S + "      gpu_count: 1  # one\n",
        ["+--a=1", "gpus 2"],
        S + "      gpu_count: 2  # one\n      args:\n        - --a=1\n",
        id="no args yet",
    ),
    pytest.param(
        S + "      args: [--a]\n",
        ["gpus 2"],
        S + "      gpu_count: 2\n      args: [--a]\n",
        id="no count yet",
    ),
    pytest.param(
        "    # nothing\n",
        ["+--a=1"],
        A + "        - --a=1\n    # nothing\n",
        id="no serving_arguments",
    ),
    pytest.param(
        "    serving_arguments:  # later\n    model_output_type: text\n",
        ["+--a=1", "gpus 2"],
        "    serving_arguments:  # later\n      gpu_count: 2\n      args:\n        - --a=1\n"
        "    model_output_type: text\n",
        id="null serving_arguments",
    ),
    pytest.param(
        A + "        - >-\n          --a=1\n        - --b  # tail",
        ["--a=1 -> --a=2", '+--json={"a": 1}'],
        A + "        - --a=2\n        - --b  # tail\n        - '--json={\"a\": 1}'",
        id="block scalar and no final newline",
    ),
    pytest.param(
        A + '        - "--a=\\\n          1"\n        - --b\n',
        ["--a=1 -> --a=2"],
        A + '        - "--a=2"\n        - --b\n',
        id="scalar over two lines",
    ),
    pytest.param(
        S + "      args: ['--a=1']\n",
        ["--a=1 -> --a='x'"],
        S + "      args: ['--a=''x''']\n",
        id="quotes in quotes",
    ),
    pytest.param(
        A + "        - --x=1\n        - --x=2\n",
        ["--x=1 -> --x=3"],
        A + "        - --x=3\n        - --x=2\n",
        id="the very item among equal flags",
    ),
    pytest.param(
        A + "        - --max_model_len=1\n",
        ["--max-model-len=1 -> --max-model-len=2"],
        A + "        - --max-model-len=2\n",
        id="underscores",
    ),
]


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize(("serving", "changes", "wanted"), CASES)
def test_only_what_changes_changes(serving: str, changes: list[str], wanted: str | None, eol: str) -> None:
    base = (HEAD + serving).replace("\n", eol)
    result = applied(base, *changes)
    if wanted is not None:
        assert result == (HEAD + wanted).replace("\n", eol)
    assert load(result)["model-car"][0]["image"] == "oci://r/m:1"
    assert applied(base) == base


def test_a_model_on_the_default_block_gets_all_of_it() -> None:
    base = (
        "default:\n  serving_arguments:\n    gpu_count: 2\n    args: [--d=1, --e]\n"
        + HEAD
        + "  - name: other\n    image: oci://r/o:1\n"
    )
    result = applied(base, "--d=1 -> --d=9")
    added = "    serving_arguments:\n      gpu_count: 2\n      args:\n        - --d=9\n        - --e\n"
    assert result == base.replace(HEAD, HEAD + added)


SHARED = """\
model-car:
  - name: a
    image: oci://r/a:1
    serving_arguments: &common
      gpu_count: 1
      args:  # all
        - --x=1
        - --y
  - name: b
    image: oci://r/b:1
    serving_arguments: *common
  - name: c
    image: oci://r/c:1
    serving_arguments:
      <<: *common
      gpu_count: 4
"""


@pytest.mark.parametrize("model", ["a", "b", "c"])
def test_a_shared_block_changes_for_one_model_only(model: str) -> None:
    result = applied(SHARED, "--x=1 -> --x=2", model=model)
    served = {car["name"]: car["serving_arguments"] for car in load(result)["model-car"]}
    for name, serving in served.items():
        assert serving["args"] == (["--x=2", "--y"] if name == model else ["--x=1", "--y"])
        assert serving["gpu_count"] == (4 if name == "c" else 1)
    assert "# all" in result


def test_the_owner_of_an_anchor_hands_it_on() -> None:
    assert applied(SHARED, "--x=1 -> --x=2", model="a") == SHARED.replace(": &common\n", ":\n").replace(
        "--x=1", "--x=2"
    ).replace(": *common\n  - name: c", ": &common {gpu_count: 1, args: [--x=1, --y]}\n  - name: c")


def test_all_three_at_once() -> None:
    data = SHARED.encode()
    plan = plan_for(data, [change(f"--x=1 -> --x={model}", model) for model in "abc"])
    served = [car["serving_arguments"] for car in load(apply_changes(data, plan).decode())["model-car"]]
    assert [serving["args"][0] for serving in served] == ["--x=a", "--x=b", "--x=c"]
    hunks = text_hunks(data, plan)
    assert {name for hunk in hunks for name in hunk.changes} == {item.id for item in plan.changes}


def test_edited_values_replace_what_was_proposed() -> None:
    data = (HEAD + "    serving_arguments: {args: [--a=1]}\n").encode()
    plan = plan_for(data, [change("--a=1 -> --a=2"), change("gpus 2")])
    ids = [item.id for item in plan.changes]
    decision = Decision(
        plan_digest=plan.digest, accepted=tuple(ids), edited={ids[0]: "--a=7", ids[1]: "8"}, write=True
    )
    assert apply_changes(data, plan, decision).endswith(b"{gpu_count: 8, args: [--a=7]}\n")
    assert (
        text_hunks(data, plan, decision)[0].lines[-1]
        == "+    serving_arguments: {gpu_count: 8, args: [--a=7]}"
    )


@pytest.mark.parametrize("count", ["0", "-1", "two", "", "1.5", "99999", "0x2"])
def test_edited_counts_are_checked(count: str) -> None:
    with pytest.raises(UserError) as caught:
        applied(HEAD, f"gpus {count}")
    assert caught.value.problems[0].code == "bad-value"


@pytest.mark.parametrize(
    ("text", "model"), [("---none", "m"), ("--none=1 -> --none=2", "m"), ("+--a", "other")]
)
def test_a_change_that_fits_nothing_is_refused(text: str, model: str) -> None:
    with pytest.raises(UserError) as caught:
        applied(HEAD, text, model=model)
    assert caught.value.problems[0].code == "plan-mismatch"


def test_other_bytes_than_planned_are_refused() -> None:
    plan = plan_for(HEAD.encode(), [change("+--a")])
    with pytest.raises(UserError) as caught:
        apply_changes(HEAD.encode() + b"\n", plan)
    assert caught.value.problems[0].code == "plan-stale"


def test_a_subset_is_a_pure_function_of_the_base() -> None:
    data = (HEAD + "    serving_arguments:\n      args: [--a=1, --b=2]\n").encode()
    plan = plan_for(data, [change("--a=1 -> --a=9"), change("---b=2"), change("+--c")])
    results = set()
    for mask in range(8):
        ids = tuple(item.id for at, item in enumerate(plan.changes) if mask >> at & 1)
        results.add(apply_changes(data, plan, Decision(plan_digest=plan.digest, accepted=ids)))
        args = effective(
            ServingArguments(args=("--a=1", "--b=2")), [c for c in plan.changes if c.id in ids]
        ).args
        assert (
            parse_manifest(apply_changes(data, plan, Decision(plan_digest="", accepted=ids)), "x")
            .models[0]
            .serving.args
            == args
        )
    assert len(results) == 8


def test_rewriting_lists() -> None:
    args = ("--a", "1", "2", "--b=3", "-tp", "2", "--n", "-1")
    assert rewrite(args, [change("---a 1 2")]).args == args[3:]
    assert rewrite(args, [change("---n -1")]).args == args[:-2]
    assert rewrite(args, [change("-tp 2 -> --tensor-parallel-size=4")]).args == (
        *args[:4],
        "--tensor-parallel-size=4",
        *args[6:],
    )
    assert rewrite(("--x", "--x"), [change("---x")]).kept == (None, "--x")
    assert accepted_changes(plan_for(b"", [change("+--a")]), None)[0].new == "--a"


def test_invisible_characters_are_shown_in_the_diff() -> None:
    base = "# note \u202e hidden\n" + HEAD + "    serving_arguments: {args: [--a=1]}\n"
    hunks = text_hunks(base.encode(), plan_for(base.encode(), [change("--a=1 -> --a=2")]))
    shown = "\n".join(line for hunk in hunks for line in hunk.lines)
    assert "\u202e" not in shown


def test_the_patch_marks_a_missing_final_newline() -> None:
    data = (HEAD + "    serving_arguments: {args: [--a=1]}").encode()
    patch = unified_patch(data, plan_for(data, [change("--a=1 -> --a=2")]))
    assert patch.count("\\ No newline at end of file\n") == 2


def test_the_samples_cover_what_they_promise() -> None:
    base = parse_manifest((samples() / "sample_modelcar_config.base.yaml").read_bytes(), "x")
    assert [car.model_output_type for car in base.models] == ["text", "text", "audio", "embedding", "text"]
    assert base.models[3].serving.origin is ArgumentsFrom.DEFAULT
    assert base.findings == ()
    single = (samples() / "single_modelcar_config.yaml").read_bytes()
    assert [problem.code for problem in parse_manifest(single, "x").findings] == ["mapping-shape"]
    assert hashlib.sha256(single).hexdigest() == parse_manifest(single, "x").sha256


WARNINGS = [
    (HEAD + "    gpu_count: 2\n", "unknown-key", "m.yaml:4:5"),
    (HEAD + "    serving_argument: {}\n", "unknown-key", "m.yaml:4:5"),
    (HEAD + "    serving_arguments: {args: }\n", "args-empty", "m.yaml:4:31"),
    ("models: []\n" + HEAD, "unknown-key", "m.yaml:1:1"),
    (
        HEAD.replace("m\n", "a-name-of-twenty-chars-a\n", 1)
        + "  - {name: a-name-of-twenty-chars-b, image: x}\n",
        "name-cut",
        "m.yaml:4:12",
    ),
]


@pytest.mark.parametrize(("text", "code", "where"), WARNINGS)
def test_warnings(text: str, code: str, where: str) -> None:
    findings = parse_manifest(text.encode(), "m.yaml").findings
    assert [(problem.code, problem.where) for problem in findings] == [(code, where)]


@pytest.mark.parametrize(
    "image",
    [
        "oci://r/x:1",
        "oci+modelcar://r/x",
        "oci+native://r/x",
        "oci+fetch://r/x",
        "docker://r/x",
        "r/x@sha256:0",
        "x",
    ],
)
def test_known_transports(image: str) -> None:
    assert parse_manifest(HEAD.replace("oci://r/m:1", image).encode(), "x").models[0].image == image


def test_merge_keys_and_anchors_are_read() -> None:
    models = parse_manifest(SHARED.encode(), "x").models
    assert [car.serving.args for car in models] == [("--x=1", "--y")] * 3
    assert [car.serving.gpu_count for car in models] == [1, 1, 4]
    assert [car.serving.gpu_count_at.line for car in models if car.serving.gpu_count_at] == [5, 5, 16]


def test_models_next_to_each_other_have_hunks_of_their_own_that_still_patch() -> None:
    item = "  - name: {0}\n    image: oci://r/{0}:1\n    serving_arguments: {{args: [--a=1]}}\n"
    base = ("model-car:\n" + "".join(item.format(name) for name in "abc")).encode()
    changes = [
        Change(
            id=f"{name}/--a",
            model=name,
            operation=Operation.SET,
            flag="--a",
            old="--a=1",
            new="--a=2",
            reason="r",
        )
        for name in "abc"
    ]
    plan = plan_for(base, changes)
    hunks = text_hunks(base, plan)
    assert [hunk.changes for hunk in hunks] == [("a/--a",), ("b/--a",), ("c/--a",)]
    assert [hunk.header for hunk in hunks] == ["@@ -1,4 +1,4 @@", "@@ -5,3 +5,3 @@", "@@ -8,3 +8,3 @@"]
    assert "".join(line[1:] + "\n" for hunk in hunks for line in hunk.lines if line[0] in " +").encode() == (
        base.replace(b"--a=1", b"--a=2")
    )


def test_a_secret_is_masked_in_every_way_it_can_stand_in_a_list() -> None:
    clear = "--api-key s1 s2 --hf_token=s3 --api-ke=s4 --api-key=$(KEY) --api-server-count=2"
    masked = "--api-key *** *** --hf_token=*** --api-ke=*** --api-key=$(KEY) --api-server-count=2"
    assert unnumbered(" ".join(masked_arguments(tuple(clear.split())))) == masked
    items = ["--api-key", "*k", "--hf-token", "|-\n    also\n    secret", "--seed=1"]
    text = "x: &k topsecret\na:\n" + "".join(f"  - {item}\n" for item in items)
    shown = masked_text(text)
    assert "secret" not in unnumbered(shown) and shown.count("\n") == text.count("\n") and "--seed=1" in shown


def test_a_word_behind_a_bare_flag_goes_with_it_or_by_itself_but_once() -> None:
    args = ("--gone", "word", "--kept=1")
    changes = [
        Change(
            id=old,
            model="m",
            operation=Operation.REMOVE,
            flag=old,
            old=old,
            new=None,
            reason="r",
            severity="required",
        )
        for old in ("--gone", "word")
    ]
    assert rewrite(args, changes).args == rewrite(args, changes[:1]).args == ("--kept=1",)
    assert rewrite(args, changes[1:]).args == ("--gone", "--kept=1")


@pytest.mark.parametrize(
    ("clear", "masked"),
    [
        ("--max-model-len=4096 --api-key=hunter2", "--max-model-len=4096 --api-key=***"),
        ("--enforce-eager --api-key hunter2", "--enforce-eager --api-key ***"),
        ('"--api-key=hunter2"', '"--api-key=***'),
        ("'--hf-token' hunter2", "'--hf-token' ***"),
        ("\u2014api-key=hunter2", "\u2014api-key=***"),
        ("api-key=hunter2", "api-key=***"),
        ("--api-key:hunter2", "--api-key:***"),
        ("VLLM_API_KEY=hunter2", "VLLM_API_KEY=***"),
        ("--seed=1 --api-key=$(KEY)", "--seed=1 --api-key=$(KEY)"),
        ("--served-model-name=api-key", "--served-model-name=api-key"),
        ("--ssl-keyfile=/tls.key", "--ssl-keyfile=/tls.key"),
        ('--hf-overrides={"api-key": 1}', '--hf-overrides={"api-key": 1}'),
        ("--chat-template=the api key is told", "--chat-template=the api key is told"),
    ],
)
def test_a_slip_makes_a_secret_no_less_of_one(clear: str, masked: str) -> None:
    assert [unnumbered(item) for item in masked_arguments((clear,))] == [masked]


ENDPOINTS = (
    "model-car:\n  - name: m\n    image: oci://r/i:1\n    serving_arguments:\n      args:\n"
    "        - --gone=https://u:first0001@h.test\n        - --gone=https://u:second02@h.test\n"
    "        - --seed=1\n"
)


def without(old: str, base: str) -> str:
    change = Change(
        id="m/--gone",
        model="m",
        operation=Operation.REMOVE,
        flag="--gone",
        old=old,
        new=None,
        reason="r",
        severity="required",
    )
    return apply_changes(base.encode(), plan_for(base.encode(), [change])).decode()


def test_a_change_finds_an_argument_by_its_mask() -> None:
    (car,) = parse_manifest(ENDPOINTS.encode(), "m.base.yaml").models
    old = car.serving.args[1]
    assert "second02" not in old and old != car.serving.args[0]
    assert without(old, ENDPOINTS) == ENDPOINTS.replace("        - --gone=https://u:second02@h.test\n", "")


def test_masks_of_another_process_are_known_again_where_nothing_else_is_like_it() -> None:
    (car,) = parse_manifest(ENDPOINTS.encode(), "m.base.yaml").models
    old = re.sub(r"secret-\d+", "secret-98765", car.serving.args[1])
    with pytest.raises(UserError, match=r"has 2 arguments that differ in their secrets alone"):
        without(old, ENDPOINTS)
    one = ENDPOINTS.replace("        - --gone=https://u:first0001@h.test\n", "")
    assert "--gone" not in without(old, one)


def test_a_mask_is_never_written() -> None:
    change = Change(
        id="m/--seed",
        model="m",
        operation=Operation.SET,
        flag="--seed",
        old="--seed=1",
        new="--seed=*secret-1*",
        reason="r",
        severity="required",
    )
    with pytest.raises(UserError, match=r"holds a mask, not the secret itself"):
        apply_changes(ENDPOINTS.encode(), plan_for(ENDPOINTS.encode(), [change]))
