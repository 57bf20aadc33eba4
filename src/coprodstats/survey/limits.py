"""How much a survey file may ask for."""

from __future__ import annotations

MOST_BYTES = 64 * 1024**3
# Spreadsheets are read at once.
MOST_SHEET_BYTES = 2 * 1024**3
MOST_EXPANDED = 16 * 1024**3
# Below this no ratio is of interest: columns of one digit compress very well.
ALWAYS_EXPANDED = 16 * 1024**2
MOST_RATIO = 100
MOST_COLUMNS = 10_000
MOST_ROWS = 200_000_000
LONGEST_CELL = 1024**2
MOST_XML_BYTES = 64 * 1024**2
