from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

collect_ignore = ["accessibility.py"]  # a script, which imports its neighbour


def beside(name: str) -> ModuleType:
    """Return a file beside this one as a module."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def program() -> str:
    """Chromium; where there is none, what needs it is skipped."""
    found = beside("chromium").find_chromium()
    if found is None:
        pytest.skip("there is no Chromium here (CHROMIUM=path names one)")
    return str(found)


@pytest.fixture(scope="session")
def page(program: str) -> Iterator[Any]:
    with beside("chromium").chromium(program) as opened:
        yield opened
