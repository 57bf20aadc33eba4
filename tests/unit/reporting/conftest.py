from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from coprodstats.reporting.document import Document
from coprodstats.reporting.figures import Figure


def _beside(name: str) -> ModuleType:
    """Return a file beside this one as a module."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Its classes look themselves up.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def demo() -> ModuleType:
    """The invented report as a module; its own file is also run as a script."""
    return _beside("demo_report")


@pytest.fixture(scope="session")
def demo_document(demo: ModuleType) -> Document:
    """The invented report, made once."""
    document: Document = demo.document()
    return document


@pytest.fixture(scope="session")
def read_back() -> ModuleType:
    """What reads the formats of a report back."""
    return _beside("read_back")


@pytest.fixture(scope="session")
def office() -> ModuleType:
    """What reads office files and LaTeX back."""
    return _beside("office_back")


@pytest.fixture(scope="session")
def drawn(demo: ModuleType) -> dict[str, Figure]:
    """Every kind of figure, drawn once with hostile labels."""
    figures: dict[str, Figure] = demo.figures()
    return figures
