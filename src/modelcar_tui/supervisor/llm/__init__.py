"""The supervisor's language model: it may narrate, choose between allowed steps and answer; it decides
nothing."""
