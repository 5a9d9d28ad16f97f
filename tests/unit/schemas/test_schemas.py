"""The published schemas say what the readers take, and refuse what they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from modelcar_tui import agent, schemas
from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest import modelcar, reader
from modelcar_tui.manifest.plan import Change, Operation, Plan
from modelcar_tui.manifest.planfile import PlanFile, encode_plan
from modelcar_tui.report.data import envelope
from modelcar_tui.schemas.manifest import Defaults, ModelCar, ModelCarManifest, ServingArguments
from modelcar_tui.schemas.published import SCHEMAS, text
from modelcar_tui.schemas.report import Report
from modelcar_tui.schemas.settings import RunSettings, settings_problems
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState

SAMPLES = sorted((Path(__file__).parents[3] / "config-yaml").glob("*.yaml"))
ROOT = "model-car: [{name: a, image: oci://r/a:1}]\n"
ITEM = "model-car:\n- name: a\n  image: oci://r/a:1\n"
READ = {
    "x- and unknown keys": ROOT + "x-args: [1]\nmystery: 3\n",
    "no transport": "model-car: [{name: a, image: r/a@sha256:12}]\n",
    "a single mapping": "model-car: {name: a, image: oci+native://r/a:1}\n",
    "empty blocks": ITEM + "  serving_arguments:\n  execution_mode:\ndefault:\n",
    "empty arguments": ITEM + "  serving_arguments: {args: }\n",
    "a default block": ROOT + "default: {serving_arguments: {gpu_count: 2, args: [--a=1, '2']}}\n",
}
REFUSED = {
    "nothing": "",
    "a list": "- name: a\n",
    "no model-car": "default: {}\n",
    "an empty list": "model-car: []\n",
    "a text": "model-car: granite\n",
    "an item that is a text": "model-car: [granite]\n",
    "no name": "model-car: [{image: oci://r/a:1}]\n",
    "no image": "model-car: [{name: a}]\n",
    "an empty name": "model-car: [{name: , image: oci://r/a:1}]\n",
    "a blank name": "model-car: [{name: ' ', image: oci://r/a:1}]\n",
    "a number for a name": "model-car: [{name: 3, image: oci://r/a:1}]\n",
    "another transport": "model-car: [{name: a, image: 'hf://org/a'}]\n",
    "an unknown transport": "model-car: [{name: a, image: 'ocy://r/a'}]\n",
    "a transport without an image": "model-car: [{name: a, image: 'oci://'}]\n",
    "a blank in an image": "model-car: [{name: a, image: 'oci://r/a b'}]\n",
    "an unknown output type": ITEM + "  model_output_type: video\n",
    "an unknown mode": ITEM + "  execution_mode: both\n",
    "a list for a block": ITEM + "  serving_arguments: [--a=1]\n",
    "no count": ITEM + "  serving_arguments: {gpu_count: }\n",
    "a count of 0": ITEM + "  serving_arguments: {gpu_count: 0}\n",
    "a count too high": ITEM + "  serving_arguments: {gpu_count: 5000}\n",
    "a text for a count": ITEM + "  serving_arguments: {gpu_count: '1'}\n",
    "a boolean for a count": ITEM + "  serving_arguments: {gpu_count: true}\n",
    "a text for arguments": ITEM + "  serving_arguments: {args: --a=1}\n",
    "a number for an argument": ITEM + "  serving_arguments: {args: [--a, 1]}\n",
    "a mapping for an argument": ITEM + "  serving_arguments: {args: [--a: 1]}\n",
    "a text for the default block": ROOT + "default: all\n",
}


@cache
def schema(kind: str) -> dict[str, Any]:
    file = Path(schemas.__file__).parent / f"{kind}.schema.json"
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found


def refusals(kind: str, document: Any) -> list[str]:
    validator = jsonschema.validators.validator_for(schema(kind))(schema(kind))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def fits(model: Any, document: Any) -> bool:
    try:
        model.model_validate(document)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_committed_file_is_what_its_model_gives(
    kind: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert text(kind) == (Path(schemas.__file__).parent / f"{kind}.schema.json").read_bytes(), "make schemas"
    jsonschema.validators.validator_for(schema(kind)).check_schema(schema(kind))
    assert agent.main(["schema", kind]) == 0
    assert capsysbinary.readouterr().out == text(kind)


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        (ModelCarManifest, modelcar.ROOT_KEYS),
        (ModelCar, modelcar.ITEM_KEYS),
        (ServingArguments, modelcar.SERVING_KEYS),
        (Defaults, modelcar.DEFAULT_KEYS),
    ],
)
def test_the_manifest_has_the_keys_that_the_reader_knows_each_with_its_description(
    model: Any, keys: tuple[str, ...]
) -> None:
    assert {field.alias or name for name, field in model.model_fields.items()} == set(keys)
    assert all(field.description for field in model.model_fields.values())


def test_the_words_of_the_manifest_are_the_reader_s() -> None:
    item = schema("manifest")["$defs"]["ModelCar"]["properties"]
    assert tuple(item["model_output_type"]["anyOf"][0]["enum"]) == modelcar.OUTPUT_TYPES
    assert tuple(item["execution_mode"]["anyOf"][0]["enum"]) == modelcar.EXECUTION_MODES


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_fit(path: Path) -> None:
    document = yaml.safe_load(path.read_bytes())
    assert refusals("manifest", document) == []
    assert fits(ModelCarManifest, document)


@pytest.mark.parametrize("case", READ)
def test_what_the_reader_takes_fits(case: str) -> None:
    reader.parse_manifest(READ[case].encode(), case)
    document = yaml.safe_load(READ[case])
    assert refusals("manifest", document) == []
    assert fits(ModelCarManifest, document)


@pytest.mark.parametrize("case", REFUSED)
def test_a_shape_that_the_reader_refuses_does_not_fit(case: str) -> None:
    with pytest.raises(UserError):
        reader.parse_manifest(REFUSED[case].encode(), case)
    document = yaml.safe_load(REFUSED[case])
    assert refusals("manifest", document) != []
    assert not fits(ModelCarManifest, document)


def test_a_plan_file_fits_and_what_the_reader_refuses_does_not(tmp_path: Path) -> None:
    change = Change(id="a/--b", model="a", operation=Operation.ADD, flag="--b", new="--b=1", reason="why")
    plan = Plan(base="a.base.yaml", base_sha256="0", target="a.generated.yaml", changes=(change,))
    document = json.loads(encode_plan(plan, tmp_path / "plan.json"))
    assert refusals("plan", document) == []
    for key, value in (("kind", "else"), ("version", 2), ("digest", 3), ("plan", None), ("more", 1)):
        odd = document | {key: value}
        assert refusals("plan", odd) != []
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(odd, PlanFile)
    del document["digest"]
    assert refusals("plan", document) != []


def test_a_report_has_the_keys_that_its_schema_asks_for() -> None:
    keys = {field.name for field in msgspec.structs.fields(Report)}
    assert set(envelope(RunState())) == keys == set(schema("report")["$defs"]["Report"]["required"])


def test_the_report_and_the_settings_of_a_demo_run_fit(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "modelcar_tui.agent", "--demo", "--format", "json", "--no-llm"]
    done = subprocess.run([*line, "--state-dir", tmp_path], capture_output=True, text=True, check=False)
    document = json.loads(done.stdout)
    assert refusals("report", document) == []
    for key in ("run", "outcome", "schema"):
        assert refusals("report", document | {key: "no such"}) != []
        assert refusals("report", {name: value for name, value in document.items() if name != key}) != []
    (file,) = tmp_path.glob("runs/*/settings.json")
    assert refusals("settings", json.loads(file.read_bytes())) == []
    assert settings_problems(file.read_bytes(), str(file)) == ()


def test_the_settings_are_those_of_the_struct() -> None:
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    assert list(RunSettings.model_fields) == list(fields)
    for name, field in RunSettings.model_fields.items():
        assert field.is_required() == fields[name].required
        assert field.is_required() or field.default == fields[name].default
    plain = msgspec.json.encode(Settings(manifest="a.yaml"))
    assert msgspec.to_builtins(Settings(manifest="a.yaml")) == RunSettings.model_validate_json(
        plain
    ).model_dump(mode="python") | {"approve": "ask"}


@pytest.mark.parametrize(
    ("odd", "place"),
    [
        ({"manifest": 3}, "manifest"),
        ({"gpus": ["L40S:4", "L40S"]}, "gpus.1"),
        ({"gpus": "L40S:4"}, "gpus"),
        ({"qa": "yes"}, "qa"),
        ({"qa_pull": "often"}, "qa_pull"),
        ({"qa_parallel": 0}, "qa_parallel"),
        ({"timeout_s": -1}, "timeout_s"),
        ({"approve": "some"}, "approve"),
        ({"objective": "speed"}, "objective"),
    ],
)
def test_a_fault_of_the_settings_is_told_with_its_place(odd: dict[str, Any], place: str) -> None:
    document = {"manifest": "a.yaml"} | odd
    (problem,) = settings_problems(json.dumps(document).encode(), "settings.json")
    assert problem.where == f"settings.json: {place}"
    assert "agent schema settings" in problem.fix
    assert refusals("settings", document) != []


def test_settings_without_a_manifest_or_that_are_no_json_are_told() -> None:
    (missing,) = settings_problems(b"{}", "s")
    assert missing.where == "s: manifest"
    assert refusals("settings", {}) != []
    (broken,) = settings_problems(b"{", "s")
    assert broken.where == "s"


def test_no_secret_value_of_a_file_is_repeated() -> None:
    (problem,) = settings_problems(b'{"manifest": "a", "qa_pull": "hf_abcdefghij"}', "s")
    assert "hf_abcdefghij" not in str(problem)


@pytest.mark.parametrize(
    "code",
    [
        "import modelcar_tui.tui.app, modelcar_tui.commands.dashboard",
        "from modelcar_tui import agent; agent.main(['schema', 'manifest'])",
        "from modelcar_tui import agent; agent.main(['lint', 'none.yaml'])",
        "from modelcar_tui import agent; agent.main(['runs'])",
    ],
)
def test_neither_the_screen_nor_a_command_loads_pydantic_or_a_model_of_a_schema(
    code: str, tmp_path: Path
) -> None:
    heavy = ("pydantic", "modelcar_tui.schemas.")
    told = f"\nimport sys; print('\\n', [m for m in sys.modules if m.startswith({heavy})])"
    done = subprocess.run(
        [sys.executable, "-c", code + told], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1].strip() == "[]"
