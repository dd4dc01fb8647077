"""Looks at the host before anything is built or made: what it lacks is said at once, all of it, with the remedy."""
