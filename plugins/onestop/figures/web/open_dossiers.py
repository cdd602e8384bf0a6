"""The open dossiers behind a number of the backlog: by age, or by days overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.figures.unit_names import label_column, unit_label
from onestop.figures.web.site import PageQuestionError, page_number
from onestop.figures.web.unit import find_unit
from onestop.marts.published import find_night
from onestop.said import said
from onestop.schema.did_you_mean import did_you_mean

if TYPE_CHECKING:
    from onestop.figures.web.site import Visit
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: The bands of ``mart.backlog``, counted as there.
_OF_BAND = {
    "age": "today.workday_number - received.workday_number",
    "overdue": "case when dossier.timeliness = 'open_overdue'"
    " then cast(today.calendar_date - dossier.due_date as bigint) end",
}


def read_open(warehouse: Warehouse, _settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``open.html``.

    Args:
        warehouse: the published marts, open.
        _settings: of this installation.
        visit: the request, with ``unit``, ``band`` and ``page``; without the first two, the
            whole city and the first band.

    Raises:
        QuestionError: there is no such unit or band.
    """
    night = find_night(warehouse, None)
    unit = find_unit(warehouse, visit.query.get("unit", "CITY"))
    unit["unit_name"] = unit_label(unit["unit_code"], unit["unit_name"], visit.lang)
    bands = warehouse.rows(
        f"select band_kind, band_code, label_{visit.lang} as label, days_from, days_to"
        " from ref.age_band order by position"
    )
    wanted = visit.query.get("band", bands[0]["band_code"])
    chosen = next((band for band in bands if band["band_code"] == wanted), None)
    if chosen is None:
        raise PageQuestionError(
            said("no band {band}", band=wanted),
            remedy=did_you_mean(wanted, [band["band_code"] for band in bands]),
            instead={"band": None},
        )
    condition, values = "true", {}
    if unit["unit_scope"] != "city":
        column = "unit_level" if unit["unit_scope"] == "level" else "unit_code"
        condition, values = f"dossier.{column} = :unit", {"unit": unit[column]}
    found = (
        "select dossier.dossier_code, dossier.unit_code, dossier.procedure_key,"
        " dossier.received_date, dossier.due_date, dossier.status, dossier.is_paused,"
        f" dossier.delivery_id, dossier.row_number, {_OF_BAND[chosen['band_kind']]} as days"
        " from mart.counted_dossier as dossier"
        " inner join core.calendar as received"
        " on dossier.received_date = received.calendar_date"
        f" inner join core.calendar as today on today.calendar_date = date '{night}'"
        f" where dossier.is_received and dossier.closed_date is null and {condition}"
    )
    until = f" and days <= {int(chosen['days_to'])}" if chosen["days_to"] is not None else ""
    in_band = f"from ({found}) as found where days >= {int(chosen['days_from'])}{until}"
    total = int(warehouse.value(f"select count(*) {in_band}", values) or 0)
    page = page_number(visit.query.get("page"), total)
    rows = warehouse.rows(
        "select found.*, named.procedure_name, delivery.file_name,"
        f" unit.{label_column(warehouse)} as unit_name,"
        f" status.label_{visit.lang} as status_text"
        f" from (select * {in_band} order by days desc, dossier_code"
        f" limit {page.size} offset {page.offset}) as found"
        " left join (select procedure_key, min(procedure_name) as procedure_name"
        " from mart.catalogue where valid_to is null group by procedure_key) as named"
        " on found.procedure_key = named.procedure_key"
        " left join (select delivery_id, min(file_name) as file_name from audit.delivery"
        " group by delivery_id) as delivery on found.delivery_id = delivery.delivery_id"
        " left join ref.status as status on found.status = status.status"
        " left join mart.unit as unit on found.unit_code = unit.unit_code"
        " order by found.days desc, found.dossier_code",
        values,
    )
    return {
        "night": night,
        "unit": unit,
        "bands": bands,
        "band": chosen,
        "rows": rows,
        "page": page,
    }
