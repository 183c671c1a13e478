"""The steps of `scripts/dist`, one file per kind of package."""
