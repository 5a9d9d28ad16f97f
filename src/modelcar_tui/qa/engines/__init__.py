"""How a suite is run: by podman on this machine, as a Job of a cluster, or played from a recording."""
