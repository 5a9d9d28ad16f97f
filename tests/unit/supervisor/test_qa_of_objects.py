"""A whole run over a Kubernetes manifest of which the suite can test nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.supervisor import Approve, RunState, Settings, Supervisor

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: prod}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      runtime: vllm-cuda
      storageUri: hf://ibm-granite/granite-3.1-8b-instruct
      args: [--max-model-len=2048]
      resources: {limits: {nvidia.com/gpu: "1"}}
"""


async def run(settings: Settings) -> RunState:
    supervisor = Supervisor(settings)
    async for _ in supervisor.run():
        pass
    return supervisor.state


def test_qa_is_skipped_with_that_reason_in_the_pane(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(SERVICE)
    with start_stub_cluster(folder=tmp_path) as stub:
        settings = Settings(
            manifest=str(path),
            kubeconfig=str(stub.kubeconfig_path),
            approve=Approve.SHOW,
            state_dir=str(tmp_path / "state"),
            llm=False,
        )
        state = asyncio.run(run(settings))
    assert state.qa.outcome is not None and state.qa.outcome.code == "QA_SKIPPED:NO_OCI_IMAGE"
    pane = next(one for one in state.panes if one.name == "qa")
    assert "chat: its weights come from hf://, and the suite serves OCI images" in pane.summary
    assert pane.lines[0] == "QA_SKIPPED:NO_OCI_IMAGE"
    assert state.cluster is not None and state.cluster.limits is not None
    assert state.cluster.limits.namespace == "prod"
