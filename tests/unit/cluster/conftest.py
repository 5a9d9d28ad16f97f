"""Every object that a test of this room gives a stub cluster is held against the schema of its kind."""

from crd_fixture import held_against_schemas

__all__ = ["held_against_schemas"]
