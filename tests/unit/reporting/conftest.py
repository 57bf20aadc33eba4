from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from coprodstats.reporting.figures import Figure


@pytest.fixture(scope="session")
def demo() -> ModuleType:
    """The invented report as a module; its own file is also run as a script."""
    spec = spec_from_file_location("demo_report", Path(__file__).with_name("demo_report.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def drawn(demo: ModuleType) -> dict[str, Figure]:
    """Every kind of figure, drawn once with hostile labels."""
    figures: dict[str, Figure] = demo.figures()
    return figures
