"""Exports of a made-up city, of any size, written by DuckDB: no row is real.

20 departments, 15 districts and 217 communes receive 17, 36 and 47 % of the dossiers; each unit
handles 80 to 300 of 2,000 procedures, some far more often than others. All random values depend on
the dossier's number only, so the exports of two nights describe one city.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.warehouse.duckdb_files import open_duckdb

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


@dataclass(frozen=True)
class City:
    """The size of a city.

    Attributes:
        dossiers: received in all years together until ``night``.
        years: over which they were received.
        night: the first night.
        departments: number of units of that level; likewise ``districts`` and ``communes``.
        procedures: in the catalogue.
        is_wide: every unit handles every procedure.
    """

    dossiers: int
    years: int = 1
    night: dt.date = dt.date(2022, 11, 24)
    departments: int = 20
    districts: int = 15
    communes: int = 217
    procedures: int = 2000
    is_wide: bool = False

    @property
    def next_night(self) -> dt.date:
        """The Monday after the first night, a Thursday."""
        return self.night + dt.timedelta(days=4)

    @classmethod
    def wide(cls, dossiers: int) -> City:
        """A city of 525 units that all handle all of 1,800 procedures."""
        return cls(
            dossiers,
            departments=40,
            districts=35,
            communes=450,
            procedures=1800,
            is_wide=True,
        )


_REGISTERS = """
create table unit as
select n as unit, 'H24.' || lpad(cast(n + 1 as varchar), 3, '0') as code,
    case when n < $departments then 'Sở, ban, ngành'
        when n < $departments + $districts then 'Quận, huyện' else 'Xã, phường, thị trấn' end
        as level,
    80 + cast(hash(n) % 221 as bigint) as procedures
from range($departments + $districts + $communes) as made (n);
create table procedure as
select n as procedure, '1.' || lpad(cast(n + 1 as varchar), 6, '0') || '.000.00.00.H24' as code,
    'Thủ tục số ' || n || ' về lĩnh vực thứ ' || n % 40 as name, 'G' || n % 40 as field,
    1 + n % 4 as service_level, 1 + n % 20 as days
from range($procedures) as made (n);
"""

_DOSSIERS = """
with drawn as (
    select i, (hash(i, 1) % 1000000) / 1e6 as at_level, (hash(i, 2) % 1000000) / 1e6 as at_unit,
        (hash(i, 3) % 1000000) / 1e6 as at_procedure, hash(i, 4) % 1000 as luck,
        date '{first}' + cast(cast(i * {days} as double) / {dossiers} as integer) as received_day,
        27000 + cast(hash(i, 5) % 31000 as bigint) as second_of_day
    from range({begin}, {end}) as made (i)
), placed as (
    select *, cast(case
        when at_level < 0.17 then floor(pow(at_unit, 1.5) * {departments})
        when at_level < 0.53 then {departments} + floor(at_unit * {districts})
        else {departments} + {districts} + floor(pow(at_unit, 1.3) * {communes}) end as bigint)
        as unit
    from drawn
), handled as (
    select p.*, u.code as unit_code, cast(case when {is_wide} then hash(i, 6) % {procedures} else
        (unit * 37 + cast(floor(pow(at_procedure, 2) * u.procedures) as bigint)) % {procedures}
        end as bigint) as procedure
    from placed as p inner join unit as u using (unit)
), dated as (
    select h.*, p.code, p.name, p.field, p.service_level,
        cast(received_day as timestamp) + to_seconds(second_of_day) as received,
        received_day + cast(p.days + floor(p.days / 5) * 2 as integer) as due_day,
        received_day + cast(case when luck < 15 then p.days * 2 + 3
            else p.days * (luck / 1000) end as integer) as end_day
    from handled as h inner join procedure as p on h.procedure = p.procedure
), known as (
    select *, end_day <= date '{night}' as is_ended from dated where received_day <= date '{night}'
)
select unit_code || '-' || strftime(received, '%y%m%d') || '-' || lpad(cast(i as varchar), 8, '0')
        as MaHoSo,
    code as MaTTHC, name as TenTTHC, field as MaLinhVuc, 'Lĩnh vực ' || field as TenLinhVuc,
    cast(1 + luck % 3 as varchar) as KenhThucHien, cast(service_level as varchar) as MucDo,
    'Người nộp ' || i % 9999 as ChuHoSo, '000000000000' as SoGiayToChuHoSo,
    '' as Email, '0000000000' as SoDienThoai, 'Địa chỉ mẫu' as DiaChi,
    name || ' của người nộp ' || i % 9999 as TrichYeuHoSo,
    strftime(received, '{clock}') as NgayNopHoSo, strftime(received, '{clock}') as NgayTiepNhan,
    strftime(due_day + interval 16 hours, '{clock}') as NgayHenTra,
    case when is_ended then '10' else '4' end as TrangThaiHoSo,
    case when is_ended then strftime(greatest(end_day + interval 15 hours, received), '{clock}')
        else '' end as NgayKetThucXuLy,
    case when is_ended then strftime(greatest(end_day + interval 15 hours, received), '{clock}')
        else '' end as NgayTra,
    unit_code as DonViTiepNhan, unit_code as DonViXuLy,
    case when luck % 4 = 0 then '1' else '0' end as KetQuaDaSoHoa, '' as GhiChu,
    strftime(case when is_ended then greatest(end_day + interval 15 hours, received)
        else received end, '{clock}') as NgayCapNhat
from known
where {chosen}
order by i
"""


def write_registers(city: City, folder: Path) -> None:
    """Write the units and the catalogue of procedures as exports of the first night."""
    night = f"{city.night:%Y%m%d}"
    with _city(city) as database:
        _copy(
            database,
            'select code as "Mã đơn vị", \'Đơn vị \' || unit as "Tên đơn vị", level as "Cấp",'
            " 'Có' as \"Có Bộ phận Một cửa\", 'Không' as \"Có hệ thống lấy số\""
            " from unit order by unit",
            folder / f"units_{night}.csv",
        )
        _copy(
            database,
            'select code as "Mã thủ tục", name as "Tên thủ tục", field as "Mã lĩnh vực",'
            " 'Lĩnh vực ' || field as \"Tên lĩnh vực\","
            " 'Xã, phường, thị trấn' as \"Cấp thực hiện\","
            ' service_level as "Mức độ", \'Có\' as "Đủ điều kiện mức độ 4" from procedure'
            " order by procedure",
            folder / f"procedures_{night}.csv",
        )


def write_dossiers(city: City, folder: Path, form: str) -> Path:
    """Write all dossiers in their state of the first night.

    Args:
        city: the city.
        folder: of the exports.
        form: ``csv``, with dates as people write them, or ``json``, the national sync record.
    """
    path = folder / f"dossiers_{city.night:%Y%m%d}_snapshot.{form}"
    with _city(city) as database:
        _copy(database, _select(city, city.night, form, "true"), path)
    return path


def write_changes(city: City, folder: Path, most: int, form: str = "csv") -> Path:
    """Write the changes from the first night until the Monday after it.

    Args:
        city: the city; dossiers beyond its number are received after the first night.
        folder: of the exports.
        most: dossiers at most.
        form: as for :func:`write_dossiers`.
    """
    path = folder / f"dossiers_{city.next_night:%Y%m%d}.{form}"
    night = city.next_night
    chosen = f"received_day > date '{city.night}' or (is_ended and end_day > date '{city.night}')"
    with _city(city) as database:
        query = f"select * from ({_select(city, night, form, chosen, more=most)}) limit {most}"
        _copy(database, query, path)
    return path


def write_visits(city: City, folder: Path, tickets: int) -> Path:
    """Write the queue tickets of all days until the first night, as one export of that night.

    Args:
        city: the city.
        folder: of the exports.
        tickets: how many.
    """
    path = folder / f"visits_{city.night:%Y%m%d}.csv"
    issued = (
        f"date '{city.night}' - cast(hash(n) % 327 as integer)"
        " + interval 7 hour + to_seconds(cast(hash(n, 2) % 30000 as bigint))"
    )
    units = city.departments + city.districts + city.communes
    called = "issued + to_seconds(cast(hash(n, 3) % 2400 as bigint))"
    with _city(city) as database:
        _copy(
            database,
            'select \'T\' || n as "Mã phiếu", u.code as "Đơn vị",'
            " 'Hoàn thành' as \"Trạng thái\","
            " strftime(issued, '%d/%m/%Y %H:%M:%S') as \"Thời điểm lấy số\","
            f" strftime({called}, '%d/%m/%Y %H:%M:%S') as \"Thời điểm gọi\","
            f" 'DV' || n % 9 as \"Dịch vụ\" from (select n, {issued} as issued"
            f" from range({tickets}) as made (n)) as t"
            f" inner join unit as u on cast(hash(n, 1) % {units} as bigint) = u.unit order by n",
            path,
        )
    return path


def write_corrections(city: City, folder: Path, most: int) -> Path:
    """Write what an auditor looks for, as an export of the Monday after the first night.

    Half of the dossiers are open, the overdue ones first, and are now due on the year's last day.
    The others ended more than a month ago, and now three days later. One row in ten is rejected:
    it is due before its receipt.

    Args:
        city: the city.
        folder: of the exports.
        most: dossiers at most.
    """
    path = folder / f"dossiers_{city.next_night:%Y%m%d}_corrections.csv"
    year, clock = city.night.year, "'%d/%m/%Y %H:%M:%S'"
    chosen = f"not is_ended or end_day < date '{city.night}' - 30 and hash(i, 7) % 100 = 0"
    dossiers, *_ = _select(city, city.night, "csv", chosen).rpartition("order by i")
    later = {
        column: f"case when TrangThaiHoSo = '10' then strftime(strptime({column}, {clock})"
        f" + interval 3 days, {clock}) else '' end as {column}"
        for column in ("NgayKetThucXuLy", "NgayTra")
    }
    with _city(city) as database:
        _copy(
            database,
            "with dossier as (select *, row_number() over (partition by TrangThaiHoSo order by case"
            f" when TrangThaiHoSo = '4' then strptime(NgayHenTra, {clock}) end, hash(MaHoSo))"
            f" as place from ({dossiers}))"
            f" select * exclude (place) replace ({', '.join(later.values())},"
            f" '{city.next_night:%d/%m/%Y} 10:00:00' as NgayCapNhat, case when place % 10 = 0"
            f" then '01/01/{year - 1} 16:00:00' when TrangThaiHoSo = '4'"
            f" then '31/12/{year} 16:00:00' else NgayHenTra end as NgayHenTra)"
            f" from dossier where place <= {most // 2} order by place",
            path,
        )
    return path


def _city(city: City) -> duckdb.DuckDBPyConnection:
    database = open_duckdb(":memory:")
    sizes = ("departments", "districts", "communes")
    for statement in _REGISTERS.split(";\n"):
        if "$departments" in statement:
            database.execute(statement, {name: getattr(city, name) for name in sizes})
        elif statement.strip():
            database.execute(statement, {"procedures": city.procedures})
    return database


def _select(city: City, night: dt.date, form: str, chosen: str, more: int = 0) -> str:
    days = 327 + 365 * (city.years - 1)
    first = city.night - dt.timedelta(days=days)
    return _DOSSIERS.format(
        first=first,
        days=days,
        dossiers=city.dossiers,
        begin=0,
        end=city.dossiers + more,
        departments=city.departments,
        districts=city.districts,
        communes=city.communes,
        procedures=city.procedures,
        is_wide=str(city.is_wide).lower(),
        night=night,
        clock="%Y%m%d%H%M%S" if form == "json" else "%d/%m/%Y %H:%M:%S",
        chosen=chosen,
    )


def _copy(database: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    options = "format json, array true" if path.suffix == ".json" else "header, delimiter ','"
    path.parent.mkdir(parents=True, exist_ok=True)
    database.execute(f"copy ({query}) to '{path}' ({options})")
