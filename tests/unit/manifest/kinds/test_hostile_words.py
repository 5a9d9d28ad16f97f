"""Arguments of Kubernetes objects that write on a screen, and thousands of them."""

from __future__ import annotations

import time

import pytest
import yaml

from modelcar_tui.manifest.arguments import rewrite
from modelcar_tui.manifest.kinds import places_of
from modelcar_tui.manifest.plan import Change, Operation
from modelcar_tui.manifest.reader import inspect_text

SCRIPT = "set -e\n\texec vllm serve Qwen/Qwen2.5-7B \\\n  --seed 1 --served-model-name {}\n"
MANY = 3000


def pod(**container: object) -> str:
    served = {"name": "vllm", "image": "vllm/vllm-openai:v0.11.0", **container}
    return yaml.safe_dump(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [served]}}
    )


@pytest.mark.parametrize("odd", ["\x1b[31mred", "\x1b]0;title\x07", "a\u202eb", "a\u200bb", "\x7f"])
@pytest.mark.parametrize("way", ["list", "script", "variable of a script"])
def test_a_hidden_character_in_an_argument_is_an_error_that_shows_it(odd: str, way: str) -> None:
    text = {
        "list": pod(args=["--model=m", f"--served-model-name={odd}"]),
        "script": pod(command=["bash", "-c", SCRIPT.format(f"'{odd}'")]),
        "variable of a script": pod(
            command=["bash", "-c", SCRIPT.format('"$N"')], env=[{"name": "N", "value": odd}]
        ),
    }[way]
    _, errors = inspect_text(text.encode(), "f.yaml")
    assert [one.code for one in errors] == ["hidden-character"]
    assert "<U+" in errors[0].what
    assert odd not in errors[0].what
    assert errors[0].where.startswith("f.yaml:")


def test_a_hidden_character_in_a_secret_shows_nothing_of_it() -> None:
    text = pod(args=["--model=m", "--api-key", "Hunter2Hunter2\x1bHunter3Hunter3"])
    _, errors = inspect_text(text.encode(), "f.yaml")
    assert [one.code for one in errors] == ["hidden-character"]
    assert "Hunter" not in str(errors)


def test_a_user_of_a_login_is_not_told() -> None:
    text = pod(args=["--model=m"], env=[{"name": "AWS_ACCESS_KEY_ID", "value": "someone-of-ours"}])
    assert "someone-of-ours" not in repr(inspect_text(text.encode(), "f.yaml"))


def test_line_breaks_and_tabs_of_a_script_are_no_hidden_characters() -> None:
    text = pod(command=["bash", "-c", SCRIPT.format("'a\tb\nc'")])
    assert inspect_text(text.encode(), "f.yaml")[1] == ()


def test_the_lines_of_a_long_script_cost_no_square() -> None:
    script = "vllm serve Qwen/Qwen2.5-7B" + " \\\n  --seed 1" * 10_000 + "\n"
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: vllm\n"
    text += "    image: vllm/vllm-openai:v0.11.0\n    command:\n    - bash\n    - -c\n    - |\n"
    head = text.count("\n")
    text += "".join(f"      {line}\n" for line in script.splitlines())
    begin = time.process_time()
    manifest, errors = inspect_text(text.encode(), "f.yaml")
    assert time.process_time() - begin < 6, "a square took far longer"
    assert errors == ()
    lines = [at.line for at in manifest.models[0].serving.args_at]
    assert lines == [head + 2 + at // 2 for at in range(20_000)]


@pytest.mark.parametrize("operation", [Operation.SET, Operation.REMOVE])
def test_thousands_of_changes_of_one_flag_cost_no_square(operation: Operation) -> None:
    words = tuple(word for at in range(MANY) for word in ("--sed", str(at)))
    new = "--seed=7" if operation is Operation.SET else None
    changes = [
        Change(
            id=f"p/c{at}",
            model="p",
            operation=operation,
            flag="--sed",
            old=f"--sed {at}",
            new=new,
            reason="r",
        )
        for at in range(0, MANY, 2)
    ]
    begin = time.process_time()
    done = rewrite(words, changes)
    assert time.process_time() - begin < 3, "a square took half a minute"
    assert done.kept[2:4] == ("--sed", "1")
    assert done.kept[:2] == (new, None)
    assert sum(word is not None for word in done.kept) == MANY + (MANY // 2 if new else 0)


def test_places_are_read_of_what_is_hidden_too() -> None:
    assert places_of(pod(args=["--model=m", "--seed=\x1b"]))["p"].words == ("--model=m", "--seed=\x1b")
