import importlib.util
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parent.parent / "docs"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scenario_docs", DOCS / "scenario.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_scenario_reference_is_what_the_schema_says_now() -> None:
    written = (DOCS / "scenario.md").read_text(encoding="utf-8")
    assert written == generator().render(), "run: python docs/scenario.py"
