"""Measures the sandbox and what runs in it: `python -m sandbox.bench --help`."""
