"""Checks the host before anything is built or made: reports everything that is missing at once, and how to fix it."""
