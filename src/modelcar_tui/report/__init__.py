"""Faces of a `RunState` that need no screen."""
