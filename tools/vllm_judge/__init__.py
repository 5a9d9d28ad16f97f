"""vLLM's own code as the judge of our tables, our lint and our arithmetic; never imported by the package."""
