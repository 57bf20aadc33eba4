"""coprodstats: from a survey file to a policy briefing on individual and collective co-production.

The public names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# One table, read by `__getattr__`, `__dir__` and the test of the public surface.
_HOMES = {
    "read_codebook": "survey.codebook",
    "Codebook": "survey.codebook",
    "read_survey": "survey.reading",
    "survey_from_frame": "survey.reading",
    "SurveyData": "survey.reading",
    "read_metadata": "survey.metadata_reading",
    "FileMetadata": "survey.metadata",
    "VariableMetadata": "survey.metadata",
    "FileFormat": "survey.file_format",
    "check_survey": "survey.checks",
    "Checked": "survey.checks",
    "export_codebook": "reporting.codebook_export",
    "combine": "survey.combining",
    "compare_waves": "survey.waves",
    "WaveChanges": "survey.waves",
    "clean": "survey.cleaning",
    "CleanedSurvey": "survey.cleaning",
    "CleaningLog": "survey.log",
    "read_log": "survey.log",
    "SurveyDesign": "survey.design",
    "replicate_design": "survey.replicate_design",
    "item_analysis": "survey.reliability",
    "ItemAnalysis": "survey.reliability",
    "dimensionality": "survey.dimensionality",
    "Dimensionality": "survey.dimensionality",
    "means": "survey.describe",
    "proportions": "survey.describe",
    "PrecisionRules": "survey.describe",
    "crosstab": "survey.crosstab",
    "Crosstab": "survey.crosstab",
    "rake": "survey.weighting",
    "post_stratify": "survey.weighting",
    "calibrate": "survey.weighting",
    "Weighting": "survey.weighting",
    "weight_diagnostics": "survey.trimming",
    "trim_weights": "survey.trimming",
    "simulate": "survey.simulate",
    "Truth": "survey.planted_truth",
    "logit": "models.fit",
    "ologit": "models.fit",
    "adjacent_categories": "models.category_logits",
    "continuation_ratio": "models.category_logits",
    "proportional_odds_search": "models.proportional_odds",
    "linear": "models.linear",
    "fractional_logit": "models.fractional",
    "FittedModel": "models.results",
    "replicate_fitting": "models.fan_out",
    "margins": "models.margins",
    "predict": "models.margins",
    "average_predictions": "models.margins",
    "profile_interval": "models.profile",
    "wald_test": "models.wald",
    "parallel_lines_test": "models.parallel",
    "goodness_of_fit": "models.goodness",
    "rao_scott_test": "models.rao_scott",
    "collinearity": "models.diagnostics",
    "influence_by_psu": "models.diagnostics",
    "design_effects": "models.diagnostics",
    "e_values": "models.e_values",
    "compare": "models.compare",
    "Comparison": "models.comparison",
    "item_functioning": "models.item_functioning",
    "ItemFunctioning": "models.item_functioning",
    "moderation": "models.moderation",
    "Moderation": "models.moderation",
    "impute": "models.imputation",
    "Imputations": "models.imputation",
    "pool": "models.pool",
    "Pooled": "models.pooled",
    "pooled_wald_test": "models.pooled",
    "flow_diagram": "reporting.figures.flow",
    "read_claims": "reporting.claims",
    "check_claims": "reporting.claims",
    "run_analysis": "reporting.analysis",
    "verify": "reporting.manifest",
    "CoprodstatsError": "errors",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  (computed from the table above)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if TYPE_CHECKING:
    from coprodstats.errors import CoprodstatsError as CoprodstatsError
    from coprodstats.models.category_logits import adjacent_categories as adjacent_categories
    from coprodstats.models.category_logits import continuation_ratio as continuation_ratio
    from coprodstats.models.compare import compare as compare
    from coprodstats.models.comparison import Comparison as Comparison
    from coprodstats.models.diagnostics import collinearity as collinearity
    from coprodstats.models.diagnostics import design_effects as design_effects
    from coprodstats.models.diagnostics import influence_by_psu as influence_by_psu
    from coprodstats.models.e_values import e_values as e_values
    from coprodstats.models.fan_out import replicate_fitting as replicate_fitting
    from coprodstats.models.fit import logit as logit
    from coprodstats.models.fit import ologit as ologit
    from coprodstats.models.fractional import fractional_logit as fractional_logit
    from coprodstats.models.goodness import goodness_of_fit as goodness_of_fit
    from coprodstats.models.imputation import Imputations as Imputations
    from coprodstats.models.imputation import impute as impute
    from coprodstats.models.item_functioning import ItemFunctioning as ItemFunctioning
    from coprodstats.models.item_functioning import item_functioning as item_functioning
    from coprodstats.models.linear import linear as linear
    from coprodstats.models.margins import average_predictions as average_predictions
    from coprodstats.models.margins import margins as margins
    from coprodstats.models.margins import predict as predict
    from coprodstats.models.moderation import Moderation as Moderation
    from coprodstats.models.moderation import moderation as moderation
    from coprodstats.models.parallel import parallel_lines_test as parallel_lines_test
    from coprodstats.models.pool import pool as pool
    from coprodstats.models.pooled import Pooled as Pooled
    from coprodstats.models.pooled import pooled_wald_test as pooled_wald_test
    from coprodstats.models.profile import profile_interval as profile_interval
    from coprodstats.models.proportional_odds import proportional_odds_search as proportional_odds_search
    from coprodstats.models.rao_scott import rao_scott_test as rao_scott_test
    from coprodstats.models.results import FittedModel as FittedModel
    from coprodstats.models.wald import wald_test as wald_test
    from coprodstats.reporting.analysis import run_analysis as run_analysis
    from coprodstats.reporting.claims import check_claims as check_claims
    from coprodstats.reporting.claims import read_claims as read_claims
    from coprodstats.reporting.codebook_export import export_codebook as export_codebook
    from coprodstats.reporting.figures.flow import flow_diagram as flow_diagram
    from coprodstats.reporting.manifest import verify as verify
    from coprodstats.survey.checks import Checked as Checked
    from coprodstats.survey.checks import check_survey as check_survey
    from coprodstats.survey.cleaning import CleanedSurvey as CleanedSurvey
    from coprodstats.survey.cleaning import clean as clean
    from coprodstats.survey.codebook import Codebook as Codebook
    from coprodstats.survey.codebook import read_codebook as read_codebook
    from coprodstats.survey.combining import combine as combine
    from coprodstats.survey.crosstab import Crosstab as Crosstab
    from coprodstats.survey.crosstab import crosstab as crosstab
    from coprodstats.survey.describe import PrecisionRules as PrecisionRules
    from coprodstats.survey.describe import means as means
    from coprodstats.survey.describe import proportions as proportions
    from coprodstats.survey.design import SurveyDesign as SurveyDesign
    from coprodstats.survey.dimensionality import Dimensionality as Dimensionality
    from coprodstats.survey.dimensionality import dimensionality as dimensionality
    from coprodstats.survey.file_format import FileFormat as FileFormat
    from coprodstats.survey.log import CleaningLog as CleaningLog
    from coprodstats.survey.log import read_log as read_log
    from coprodstats.survey.metadata import FileMetadata as FileMetadata
    from coprodstats.survey.metadata import VariableMetadata as VariableMetadata
    from coprodstats.survey.metadata_reading import read_metadata as read_metadata
    from coprodstats.survey.planted_truth import Truth as Truth
    from coprodstats.survey.reading import SurveyData as SurveyData
    from coprodstats.survey.reading import read_survey as read_survey
    from coprodstats.survey.reading import survey_from_frame as survey_from_frame
    from coprodstats.survey.reliability import ItemAnalysis as ItemAnalysis
    from coprodstats.survey.reliability import item_analysis as item_analysis
    from coprodstats.survey.replicate_design import replicate_design as replicate_design
    from coprodstats.survey.simulate import simulate as simulate
    from coprodstats.survey.trimming import trim_weights as trim_weights
    from coprodstats.survey.trimming import weight_diagnostics as weight_diagnostics
    from coprodstats.survey.waves import WaveChanges as WaveChanges
    from coprodstats.survey.waves import compare_waves as compare_waves
    from coprodstats.survey.weighting import Weighting as Weighting
    from coprodstats.survey.weighting import calibrate as calibrate
    from coprodstats.survey.weighting import post_stratify as post_stratify
    from coprodstats.survey.weighting import rake as rake
