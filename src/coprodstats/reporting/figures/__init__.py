"""The figures of a report: each function takes tidy frames and returns a frozen `Figure`."""

from __future__ import annotations

from coprodstats.reporting.figures.calibration import calibration_plot as calibration_plot
from coprodstats.reporting.figures.flow import cleaning_flow as cleaning_flow
from coprodstats.reporting.figures.flow import flow_diagram as flow_diagram
from coprodstats.reporting.figures.forest import (
    TermLabel as TermLabel,
)
from coprodstats.reporting.figures.forest import (
    comparison_forest as comparison_forest,
)
from coprodstats.reporting.figures.heat import heat_map as heat_map
from coprodstats.reporting.figures.items import item_bars as item_bars
from coprodstats.reporting.figures.levels import levels_by_group as levels_by_group
from coprodstats.reporting.figures.lines import prediction_lines as prediction_lines
from coprodstats.reporting.figures.panels import prediction_panels as prediction_panels
from coprodstats.reporting.figures.ranks import rank_bars as rank_bars
from coprodstats.reporting.figures.record import Caption as Caption
from coprodstats.reporting.figures.record import Figure as Figure
from coprodstats.reporting.figures.sectors import sector_panels as sector_panels
from coprodstats.reporting.figures.thresholds import threshold_slopes as threshold_slopes
from coprodstats.reporting.figures.weights import weight_columns as weight_columns
