"""Memory of LoRA slots: vLLM allocates all of them at start (vllm lora/layers)."""

from __future__ import annotations

from modelcar_tui.models import Shape
from modelcar_tui.models.weights import layer_weights
from modelcar_tui.vllm.arguments import EngineArgs


def adapter_bytes(shape: Shape, args: EngineArgs, rank: tuple[int, int]) -> float:
    """Bytes of `--max-loras` slots of `--max-lora-rank` for every linear layer on one GPU.

    A slot holds `rank x inputs` (whole on every GPU unless the adapters are fully sharded) for each fused
    part and `outputs x rank` (split as its layer). Expert layers are counted once per expert.
    """
    if not args.enable_lora:
        return 0.0
    total = 0.0
    keys = list(zip(shape.kinds[rank[0] : rank[1]], shape.experts_at[rank[0] : rank[1]], strict=True))
    for kind, experts in set(keys):
        size = 0.0
        for weight in layer_weights(shape, kind, experts=experts, tp=args.tp, ep=1):
            if weight.role not in ("linear", "attention", "expert"):
                continue
            parts = {"qkv_proj": 3, "gate_up_proj": 2}.get(weight.label, 1)
            share = args.tp if args.fully_sharded_loras else 1
            size += args.max_lora_rank * (weight.inner * parts / share + weight.out)
        total += size * keys.count((kind, experts))
    return total * args.max_loras * 2
