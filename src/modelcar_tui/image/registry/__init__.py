"""Our own registry client: what skopeo can't do, reading a few kilobytes out of a layer."""
