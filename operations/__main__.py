"""`python -m operations …`: what is done beside `pulumi up`."""

from __future__ import annotations

import sys

from operations.cli import main

sys.exit(main(sys.argv[1:]))
