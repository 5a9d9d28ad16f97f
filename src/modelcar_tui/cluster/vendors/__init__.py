"""One file a vendor: what its labels and resource names mean."""
