"""What Model Runner V2 holds beside the model: its sampler's runs and the tables of its requests.

v1/worker/gpu/sample/sampler.py and penalties.py, 0.22 to 0.33. Its logits have 16 bits; only what a request
asks of them (temperature, top-k, penalties) makes a copy in 32. The profile's requests ask for nothing, those
of the warm-up for everything (sampling_params.py for_sampler_warmup).
"""

from __future__ import annotations

from modelcar_tui.memory.start import Start
from modelcar_tui.vllm import Sampler

_ALWAYS_COPIED = (0, 27)
"""Before, logits are copied whatever is asked (sampler.py apply_sampling_params)."""
_AS_WARMED_UP = (0, 33)
"""From here on the profile samples as the warm-up does (model_runner.py _dummy_sampler_run)."""
_COUNTED = (0, 27)
"""From here on vLLM counts all that is gone from the card (utils/mem_utils.py memory_profiling); before, what
PyTorch holds beside the weights when the profile begins is in no figure."""
_ENCODES = (0, 27)
"""From here on the profile runs the encoder (model_runner.py profile_run)."""
_PROFILES_GRAPHS = (0, 29)
"""From here on it estimates CUDA graphs; before, profile_cudagraph_memory is 0."""
_HALF, _COPIED = 0.5, 1.5
"""Copies of the logits in 32 bits: those in 16, and with one copy in 32."""
_WARM = {Sampler.SORT: 9.5, Sampler.FLASHINFER: 3.5, Sampler.TRITON: _COPIED}
"""The same where top-k and top-p are asked for: PyTorch's sort as in `sampling`, FlashInfer's masked logits
and probabilities, Triton's rows in place."""
_TABLES = 4.0 + 2 * 4 / 32
"""Bytes for each number of the vocabulary and sequence: counts of what was put out, a bit for the prompt and
one for a grammar (penalties.py, structured_outputs.py)."""


def profiled(start: Start, who: Sampler) -> tuple[float, str]:
    """Bytes of the sampler's run while vLLM profiles, and how they come about."""
    release = start.profile.release
    if release >= _AS_WARMED_UP:
        return _asked(start, who, start.rows)
    rows, copies = start.rows, _COPIED if release < _ALWAYS_COPIED else _HALF
    vocab = start.model.shape.vocab
    note = f"{copies:g} x {rows} sequences x {vocab} x 4 B, nothing asked of it (vllm v1/worker/gpu/sample)"
    return copies * rows * vocab * 4.0, note


def warmed(start: Start, who: Sampler) -> float:
    """Bytes of the run after capture, of as many sequences as fit a step (v1/worker/gpu/warmup.py): the
    larger of a prefill and a step that checks drafts."""
    drafts = start.args.num_speculative_tokens if start.args.speculative else 0
    sequences = max(1, min(start.limits.seqs, start.limits.batch // (drafts + 2)))
    return _asked(start, who, sequences * (drafts + 1))[0]


def tables(start: Start) -> float:
    """Bytes that are there before the profile begins."""
    return _TABLES * start.limits.seqs * start.model.shape.vocab


def counts_tables(start: Start) -> bool:
    """Whether the KV cache pays for them."""
    return start.profile.release >= _COUNTED


def profiles_graphs(start: Start) -> bool:
    """Whether vLLM captures a few graphs while it profiles, to estimate all of them."""
    return not start.runner_v2 or start.profile.release >= _PROFILES_GRAPHS


def encodes(start: Start) -> bool:
    """Whether the profile runs the encoder."""
    return not start.runner_v2 or start.profile.release >= _ENCODES


def _asked(start: Start, who: Sampler, rows: int) -> tuple[float, str]:
    vocab = start.model.shape.vocab
    copies = _WARM[who]
    taken = copies * rows * vocab * 4.0
    if who is Sampler.TRITON:  # a row a multiprocessor
        taken += start.sms * vocab * 4.0
    note = f"{copies:g} x {rows} sequences x {vocab} x 4 B, {who} (vllm v1/worker/gpu/sample)"
    return taken, note
