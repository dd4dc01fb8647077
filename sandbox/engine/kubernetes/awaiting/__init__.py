"""When an object counts as ready or gone: conditions (pure) by kind, and the waiting for them."""
