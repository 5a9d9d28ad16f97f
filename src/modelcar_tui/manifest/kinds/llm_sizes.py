"""How many replicas an LLMInferenceService asks for, and how many pods each of them has.

Source: kserve at aaac4e29, pkg/apis/serving/v1alpha2/llm_inference_service_types_func.go (`GetSize`) for the
size of a LeaderWorkerSet; pkg/controller/v1alpha2/llmisvc/scaling.go for the least number of replicas. The
functions of v1alpha1 are the same.
"""

from __future__ import annotations

MOST = 10_000
"""More of anything is a slip, and is counted as so many."""


def group_size(data: int | None, data_local: int | None, pipeline: int | None) -> int:
    """Pods of one replica that has workers: the leader and they; 1 where nothing tells.

    With data parallelism each pod has `data_local` of the `data` ranks.
    """
    across, here = data or 0, data_local or 0
    if across > 0 or here > 0:
        return min(max(1, max(1, across) // max(1, here)), MOST)
    return min(max(1, pipeline or 0), MOST)


def wanted_replicas(replicas: int | None, least: int | None, *, scales: bool) -> int:
    """Replicas that are wanted; of those that scale themselves the least.

    Args:
        replicas: None where it is not said, which means 1.
        least: `scaling.minReplicas`, the same.
        scales: whether there is a `scaling`.
    """
    count = least if scales else replicas
    return max(0, min(1 if count is None else count, MOST))
