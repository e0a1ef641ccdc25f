"""The notebook of clients/python/examples, run from its first cell to its last one by a kernel of its own."""

import csv
import importlib.util
import json
import shutil
from math import log
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from infra_cdk.local.cloud import LocalCloud

EXAMPLES = Path(__file__).parents[2] / "clients" / "python" / "examples"
NOTEBOOK = EXAMPLES / "growth.ipynb"

pytestmark = pytest.mark.flow


def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("growing_spheroids", EXAMPLES / "growing_spheroids.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn_doubling_h(table: Path) -> float:
    """From the mean rate of the replicates."""
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rates = []
    for replicate in sorted({row["replicate"] for row in rows}):
        first, *_, last = (row for row in rows if row["replicate"] == replicate)
        hours = float(last["time_point_h"]) - float(first["time_point_h"])
        rates.append(log(float(last["volume_um3"]) / float(first["volume_um3"])) / hours)
    return log(2) * len(rates) / sum(rates)


def test_the_notebook_goes_from_a_folder_of_images_to_the_growth_that_was_drawn(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in EXAMPLES.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    spheroids = drawing()  # fewer images than the notebook draws where there are none
    table = spheroids.draw(
        spheroids.Plate({"control": 36.0}, times_h=(0, 36, 72), side_px=256), tmp_path / "growing-spheroids"
    )
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code), "git keeps the notebook without outputs"
    assert "synthetic" in notebook.cells[0].source

    monkeypatch.setenv("SPHEROSEG_DATA_DIR", str(cloud.data_dir))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    NotebookClient(
        notebook, kernel_name="python3", timeout=150, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()

    printed = "".join(output.text for cell in code for output in cell.outputs if output.output_type == "stream")
    assert "9 of 9 segmented" in printed
    shown = [output for cell in code for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(shown) == 2
    with Image.open(tmp_path / "growth" / "plots" / "growth.png") as plot:
        assert min(plot.size) > 300
    (growth,) = json.loads((tmp_path / "growth" / "statistics.json").read_bytes())["growth"]
    drawn_h = drawn_doubling_h(table)
    assert growth["doubling_time_h"] == pytest.approx(drawn_h, rel=0.03)
    assert growth["n"] == 3
    assert f"control: drawn {drawn_h:.1f} h" in printed
