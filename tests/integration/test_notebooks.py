"""The notebooks of docs/notebooks run on any published night, and are kept with their outputs."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from three_nights import publish_second_night

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = {
    path.stem: nbformat.read(path, as_version=4) for path in sorted(FOLDER.glob("*.ipynb"))
}
_KERNEL_SECONDS = 120


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell):
    """What a cell shows: the formats of its outputs."""
    return [
        sorted(output.data) if "data" in output else [output.get("name", output.output_type)]
        for output in cell.outputs
    ]


@pytest.fixture(scope="module")
def executed(kept, tmp_path_factory):
    """Every notebook, run on the same published figures by one kernel, one after the other."""
    settings = kept.copy(publish_second_night, tmp_path_factory.mktemp("notebooks") / "var")
    whole = nbformat.v4.new_notebook()
    for notebook in NOTEBOOKS.values():
        whole.cells += [nbformat.v4.new_code_cell("%reset -f"), *code_cells(notebook)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONESTOP_VAR", str(settings.exports.parent))
        patch.setenv("ONESTOP_PUBLISHED", str(settings.published))
        patch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        client = NotebookClient(deepcopy(whole), timeout=_KERNEL_SECONDS, allow_errors=True)
        return {cell.id: cell for cell in client.execute().cells}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_shows_what_it_was_kept_with(name, executed):
    for kept_cell in code_cells(NOTEBOOKS[name]):
        cell = executed[kept_cell.id]
        errors = [output for output in cell.outputs if output.output_type == "error"]
        assert errors == [], cell.source
        assert kinds(cell) == kinds(kept_cell), cell.source


def test_the_tables_and_columns_that_are_shown_are_those_of_this_release(executed):
    described = [
        cell
        for cell in code_cells(NOTEBOOKS["analyst"])
        if "published.tables()" in cell.source or "published.columns(" in cell.source
    ]
    assert len(described) == 2
    for cell in described:
        texts = [one.outputs[-1].data["text/plain"] for one in (executed[cell.id], cell)]
        assert texts[0] == texts[1], "make notebooks"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_with_its_outputs_in_order(name):
    cells = code_cells(NOTEBOOKS[name])
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    shown = [cell for cell in cells if cell.outputs]
    assert len(shown) == len(cells)
    assert "stderr" not in {name for cell in cells for [name, *_] in kinds(cell)}


def test_a_notebook_has_a_chart():
    shown = [kind for cell in code_cells(NOTEBOOKS["analyst"]) for kind in kinds(cell)]
    assert ["image/svg+xml", "text/plain"] in shown
