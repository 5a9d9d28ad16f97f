"""The published schemas of the documents that others write or read; see `docs/schemas.md`.

The JSON files beside this one are what `agent schema` prints: nothing here is imported for that.
"""
