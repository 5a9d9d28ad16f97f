"""The store of measured starts: what goes in comes out, and what is broken costs its own line."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.models import MeasuredStart, ModelFacts, model_fingerprint
from modelcar_tui.verdict import Measurements

FACTS = ModelFacts(
    config={
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 2048,
        "_name_or_path": "/home/somebody/models/granite",
        "auto_map": {"AutoModel": "registry.example.com/team/code--model.Model"},
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0},
    }
)


def start(id_: str = "20261130-235107-1f3a", at: float = 1.0, **changes: object) -> MeasuredStart:
    made = MeasuredStart(
        id=id_,
        at=at,
        model="granite-8b",
        fingerprint=model_fingerprint(FACTS),
        gpu="NVIDIA-L40S",
        vllm="0.13.0",
        args=("--max-model-len=8192",),
        outcome="starts",
        figures={"weights_gib": 15.25, "kv_tokens": 123456.0},
    )
    return msgspec.structs.replace(made, **changes)


def test_what_goes_in_comes_out_newest_first_and_is_the_owners_alone(tmp_path: Path) -> None:
    store = Measurements(tmp_path / "data" / "measurements")
    assert store.all() == () and store.of(FACTS) == ()
    old, new = start(at=1.0), start("20261201-000000-0000", at=2.0)
    other = start("20261201-000001-0000", at=3.0, fingerprint="0123456789abcdef")
    for one in (new, old, other):
        store.add(one, FACTS)
    assert store.all() == (other, new, old)
    assert store.of(FACTS) == (new, old)
    assert store.of(ModelFacts()) == ()
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.folder.iterdir()} == {0o600}


def test_of_the_config_no_path_and_no_place_is_kept(tmp_path: Path) -> None:
    store = Measurements(tmp_path)
    store.add(start(), FACTS)
    (kept,), problems = store.look()
    assert problems == () and kept.arch == "LlamaForCausalLM"
    assert kept.config == {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 2048,
        "auto_map": {},
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0},
    }
    assert b"registry.example.com" not in next(tmp_path.iterdir()).read_bytes()


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"start": {"id": "20261130-000000-0001"}}',
        b" " * (1024 * 1024 + 1),
        msgspec.json.encode({"start": start("another-id")}),
        b'{"start":' + b"[" * 100_000,
    ],
)
def test_a_broken_file_is_one_problem_and_can_be_forgotten(tmp_path: Path, broken: bytes) -> None:
    store = Measurements(tmp_path)
    store.add(start())
    (tmp_path / "20261130-000000-0001.json").write_bytes(broken)
    kept, problems = store.look()
    assert [one.start.id for one in kept] == [start().id]
    (problem,) = problems
    assert problem.fix == "agent measurements forget 20261130-000000-0001"
    assert store.forget(["20261130-000000-0001"]) == ("20261130-000000-0001",)
    assert store.look()[1] == ()


def test_what_is_no_measurement_is_left_alone(tmp_path: Path) -> None:
    store = Measurements(tmp_path / "measurements")
    store.add(start())
    (store.folder / "notes.txt").write_text("mine")
    (store.folder / ".half.json").write_text("{")
    (tmp_path / "secret.json").write_text("{}")
    os.mkfifo(store.folder / "pipe.json")
    kept, problems = store.look()
    assert len(kept) == 1 and len(problems) == 1  # the pipe is not waited for
    assert store.forget(["notes", "../secret", "..", "*", "pipe.json"]) == ()
    assert (tmp_path / "secret.json").exists() and (store.folder / "notes.txt").exists()


def test_fields_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    told = msgspec.to_builtins(start()) | {"colour": "green"}
    (tmp_path / f"{start().id}.json").write_bytes(msgspec.json.encode({"start": told, "more": [1]}))
    assert Measurements(tmp_path).all() == (start(),)


def test_text_in_an_edited_file_is_cleaned(tmp_path: Path) -> None:
    hostile = start(model="a\x1b[2Jb", error="x\u202ey", args=("--a=\x07b",))
    (tmp_path / f"{start().id}.json").write_bytes(msgspec.json.encode({"start": hostile}))
    (found,) = Measurements(tmp_path).all()
    shown = "".join((found.model, found.error, *found.args))
    assert shown.isprintable() and "\x1b" not in shown


def test_an_id_is_never_replaced_and_never_a_path(tmp_path: Path) -> None:
    store = Measurements(tmp_path)
    store.add(start())
    with pytest.raises(UserError, match="is there already"):
        store.add(start(model="another"))
    for id_ in ("../x", "", "a/b", ".x", "x" * 64):
        with pytest.raises(UserError, match="no id"):
            store.add(start(id_))
    assert [one.model for one in store.all()] == ["granite-8b"]


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    def add(number: int) -> None:
        Measurements(tmp_path).add(start(f"20261130-000000-{number:04x}", at=float(number)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert len(Measurements(tmp_path).all()) == 40


def test_a_file_in_the_place_of_the_folder_says_what_to_do(tmp_path: Path) -> None:
    place = tmp_path / "measurements"
    place.write_text("")
    with pytest.raises(UserError, match="MODELCAR_TUI_DATA_DIR=FOLDER"):
        Measurements(place).add(start())
    with pytest.raises(UserError, match="can't be read"):
        Measurements(place).all()


def test_by_default_it_is_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Measurements().folder.parts[-2:] == ("modelcar-tui", "measurements")
    monkeypatch.setenv("MODELCAR_TUI_DATA_DIR", str(tmp_path))
    assert Measurements().folder == tmp_path / "measurements"


def test_ten_thousand_starts_are_looked_through(tmp_path: Path) -> None:
    of_another = msgspec.structs.replace(start(), fingerprint="0" * 16)
    for number in range(10_000):
        id_ = f"20261130-000000-{number:04x}"
        one = msgspec.structs.replace(start() if number < 200 else of_another, id=id_, at=float(number))
        (tmp_path / f"{id_}.json").write_bytes(msgspec.json.encode({"start": one}))
    found = Measurements(tmp_path).of(FACTS)
    assert [one.at for one in found] == [float(number) for number in range(199, 99, -1)]


def test_the_folder_is_looked_through_once_for_many_models(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store, looks = Measurements(tmp_path), []
    models = [ModelFacts(config={**(FACTS.config or {}), "vocab_size": 1000 + at}) for at in range(30)]
    for at, facts in enumerate(models):
        one = msgspec.structs.replace(start(), id=f"a-{at}", fingerprint=model_fingerprint(facts))
        store.add(one, facts)
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looks.append(path) or scan(path))
    assert [[one.id for one in store.of(facts)] for facts in models] == [[f"a-{at}"] for at in range(30)]
    assert len(looks) == 1
    store.add(msgspec.structs.replace(start(), id="b", fingerprint=model_fingerprint(models[0])))
    assert {one.id for one in store.of(models[0])} == {"a-0", "b"}
    store.forget(["a-0"])
    assert [one.id for one in store.of(models[0])] == ["b"]


@pytest.mark.parametrize("at", [4e9, 9e18, -5.0])
def test_a_start_of_a_day_that_is_not_yet_is_no_newest_one(at: float, tmp_path: Path) -> None:
    store = Measurements(tmp_path)
    store.add(msgspec.structs.replace(start(), id="odd", at=at))
    store.add(msgspec.structs.replace(start(), id="right", at=1.0))
    for found in (store.of(FACTS), store.all()):
        assert [(one.id, one.at) for one in found] == [("right", 1.0), ("odd", 0.0)]
