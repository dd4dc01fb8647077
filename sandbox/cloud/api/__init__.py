"""AWS's API: moto, embedded and patched, behind AWS's real host names."""
