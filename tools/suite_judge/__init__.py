"""The real opendatahub-tests as the judge of our QA: it runs in podman, under our own runner, against a
stub of OpenShift's API; never imported by the package, and nothing of the suite is committed."""
