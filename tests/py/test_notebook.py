"""The notebook of the documentation runs from top to bottom, and is what its generator writes."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "pressmark.ipynb"
if not NOTEBOOK.exists():
    pytest.skip("no source tree around the tests", allow_module_level=True)


def test_notebook_is_what_its_generator_writes():
    spec = importlib.util.spec_from_file_location("make_notebook", ROOT / "tools" / "make_notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert NOTEBOOK.read_text(encoding="utf-8") == module.notebook()


def test_notebook_holds_no_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert len(cells) > 20 and all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)


def test_notebook_runs_from_top_to_bottom(tmp_path):
    pytest.importorskip("pressmark")
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [out for cell in book.cells if cell.cell_type == "code" for out in cell.outputs]
    tables = [out for out in shown if "text/html" in out.get("data", {})]
    assert len(tables) >= 8 and not [out for out in shown if out.output_type == "error"]
    assert any("throat of world trade" in out["data"]["text/html"] for out in tables)
