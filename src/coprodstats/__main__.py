"""``python -m coprodstats`` is the command line."""

from __future__ import annotations

from coprodstats.cli import main

main(prog_name="coprodstats")
