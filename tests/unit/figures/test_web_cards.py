"""Tables on a phone: rows are cards, and no column is hidden."""

from __future__ import annotations

import re

from onestop.figures.web.cards import name_cells
from onestop.figures.web.site import style_sheet

TABLE = (
    '<table class="items cards"><thead><tr><th scope="col">Dossier</th>'
    '<th scope="col">A "rate" <b>%</b></th></tr></thead><tbody>{row}</tbody></table>'
)
ROW = '<tr><th scope="row">A1</th><td{name} class="number">97</td></tr>'


def test_a_cell_of_a_card_has_the_heading_of_its_column():
    named = name_cells(TABLE.format(row=ROW.format(name="")))
    assert named == TABLE.format(row=ROW.format(name=' data-label="A &quot;rate&quot; %"'))


def test_a_cell_over_all_columns_and_a_table_without_cards_stay_as_they_are():
    empty = TABLE.format(row='<tr><td colspan="2">none</td></tr>')
    other = TABLE.format(row=ROW.format(name="")).replace(" cards", "")
    assert name_cells(empty + other) == empty + other


def test_a_narrow_window_hides_no_column():
    narrow = style_sheet().partition("@media (max-width: 44rem)")[2].partition("@page")[0]
    hidden = re.findall(r"([^{}\n]+) \{[^}]*display: none", narrow)
    # the first cell of a card says once of what there are no figures
    assert [rule.strip() for rule in hidden] == [".cards td:empty", ".cards td.not-applicable"]
    assert "content: attr(data-label)" in narrow


def test_paper_names_each_change_says_what_was_chosen_and_how_much_of_a_list_it_shows():
    hidden = [
        rule.strip()
        for rules in re.findall(r"([^{}\n]+) \{[^}]*display: none", _on_paper())
        for rule in rules.split(",")
    ]
    assert not {"summary", "form.filter", ".pager", "details"} & set(hidden)
    assert {"form.filter button", ".pager a", ".top nav"} <= set(hidden)
    assert "details:not([open]) > summary:not(:has(.change-title))" in hidden


def _on_paper():
    return style_sheet().partition("@page")[2].partition("@media (prefers-reduced-motion")[0]
