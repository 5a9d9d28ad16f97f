"""Reads one vLLM release and merges it into every table of `src/modelcar_tui/vllm/`; see
`docs/vllm-releases.md`."""
