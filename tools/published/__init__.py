"""The readers and the editor held against manifests that public projects publish."""
