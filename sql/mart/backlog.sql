-- view
-- mart.backlog: the dossiers that are open at the end of the as-of date, of each unit, level and
-- the city, by age and, if overdue, by days overdue (ref.age_band).
--
-- Age: working days since receipt, the day of receipt not counted. Overdue: calendar days since the
-- due date, as `days_late` of mart.dossier; those that wait or are suspended are not overdue. The
-- bands of age together are all open dossiers (rule BKL-F06), `dossiers_paused` those of them that
-- wait.
with still_open as (
    select
        dossier.unit_code,
        dossier.unit_level,
        dossier.is_paused,
        today.workday_number - received.workday_number as workdays_since,
        case
            when dossier.timeliness = 'open_overdue'
                then cast(today.calendar_date - dossier.due_date as bigint)
        end as days_overdue
    from mart.counted_dossier as dossier
    inner join core.calendar as received on dossier.received_date = received.calendar_date
    inner join core.calendar as today on today.calendar_date = :as_of_date
    where dossier.is_received and dossier.closed_date is null
),

banded as (
    select
        still_open.unit_code,
        still_open.unit_level,
        still_open.is_paused,
        band.band_kind,
        band.band_code
    from still_open
    inner join ref.age_band as band
        on
            case band.band_kind
                when 'age' then still_open.workdays_since else still_open.days_overdue
            end >= band.days_from
            and (
                band.days_to is null
                or case band.band_kind
                    when 'age' then still_open.workdays_since else still_open.days_overdue
                end <= band.days_to
            )
),

counted as (
    select
        coalesce(roll_up.total_code, banded.unit_code) as unit_code,
        banded.band_kind,
        banded.band_code,
        count(*) as dossiers,
        count(case when banded.is_paused then 1 end) as dossiers_paused
    from banded
    inner join mart.roll_up as roll_up on banded.unit_level = roll_up.unit_level
    group by
        coalesce(roll_up.total_code, banded.unit_code),
        banded.band_kind,
        banded.band_code
),

backlog as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        unit.unit_level,
        unit.unit_scope,
        counted.band_kind,
        counted.band_code,
        counted.dossiers,
        counted.dossiers_paused
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
)

select * from backlog
