"""A GO on weights that nobody read says what it stands on."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcar_tui import judge, outcome_of

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      runtime: ours
      STORED
      resources: {limits: {nvidia.com/gpu: 1}}
---
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: ours}
spec:
  supportedModelFormats: [{name: vLLM}]
  containers:
  - name: kserve-container
    image: vllm/vllm-openai:v0.11.0
    command: [vllm, serve, /mnt/models]
"""


@pytest.mark.parametrize(
    ("stored", "headline"),
    [
        ("storageUri: hf://meta-llama/Llama-3.1-8B-Instruct", "GO"),
        (
            "storageUri: pvc://claim/llama-3.1-8b-instruct",
            "GO if its weights are what their name says",
        ),
        (
            "storageUri: s3://bucket/llama-3.1-8b-instruct",
            "GO if its weights are what their name says",
        ),
    ],
)
def test_a_place_that_may_hold_anything_is_a_condition(tmp_path: Path, stored: str, headline: str) -> None:
    path = tmp_path / "isvc.yaml"
    path.write_text(SERVICE.replace("STORED", stored))
    state = judge(path, gpus=("H100-80GB-HBM3:1",), state_dir=str(tmp_path / "state"))
    outcome = outcome_of(state)
    assert outcome is not None and [one.headline for one in outcome.models] == [headline]
    assert state.finish is not None and state.finish.exit_status == 0


LLM = """\
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: ours}
spec:
  model: {uri: "pvc://claim", name: meta-llama/Llama-3.1-8B-Instruct}
  template:
    containers:
    - name: main
      image: vllm/vllm-openai:v0.11.0
      resources: {limits: {nvidia.com/gpu: 1}}
  prefill:
    template:
      containers:
      - name: main
        image: vllm/vllm-openai:v0.11.0
        resources: {limits: {nvidia.com/gpu: 1}}
"""


def test_the_name_under_which_it_is_served_tells_too(tmp_path: Path) -> None:
    path = tmp_path / "llm.yaml"
    path.write_text(LLM)
    outcome = outcome_of(judge(path, gpus=("H100-80GB-HBM3:2",), state_dir=str(tmp_path / "state")))
    assert outcome is not None
    assert {one.model: one.headline for one in outcome.models} == dict.fromkeys(
        ("ours", "ours/prefill"), "GO if its weights are what their name says"
    )
