-- The dossiers that count differently in the shares of online dossiers than on the night before:
-- one row for each indicator, method, period and dossier, with its contribution on both nights and
-- the cause. The order of the causes: as in on_time.sql.
with level_of_indicator as (
    select 'online_share_level3' as indicator_code, 3 as lowest_level, 3 as highest_level
    union all
    select 'online_share_level4', 4, 4
    union all
    select 'online_share_level34', 3, 4
    union all
    select 'online_share_all', 0, 9
),

channel_method as (
    select 'channel' as method_code, '(no channel)' as left_out_channel
    union all
    select 'channel_without_post', 'post'
),

receipt as (
    select
        identified.*,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.measured_before,
        period.measured_after,
        coalesce(
            identified.is_received_before
            and identified.has_channels_before
            and identified.received_before between period.period_start and period.measured_before,
            false
        ) as is_in_before,
        coalesce(
            identified.is_received_after
            and identified.has_channels_after
            and identified.received_after between period.period_start and period.measured_after,
            false
        ) as is_in_after
    from later.dossier_fact as identified
    inner join later.chosen_period as period
        on
            identified.received_before between period.period_start and period.measured_before
            or identified.received_after between period.period_start and period.measured_after
    where
        identified.identity_code is not null
        or identified.has_other_receipt
        or identified.unit_before <> identified.unit_after
        or identified.level_before <> identified.level_after
        or identified.channel_before <> identified.channel_after
        or identified.level_at_receipt_before <> identified.level_at_receipt_after
        or identified.has_channels_before <> identified.has_channels_after
        or identified.received_after > :previous_night
),

online_amount as (
    select
        level.indicator_code,
        method.method_code,
        receipt.*,
        case
            when
                receipt.is_in_before
                and receipt.level_at_receipt_before >= level.lowest_level
                and receipt.level_at_receipt_before <= level.highest_level
                and receipt.channel_before <> method.left_out_channel
                then 1
            else 0
        end as denominator_before,
        case
            when
                receipt.is_in_after
                and receipt.level_at_receipt_after >= level.lowest_level
                and receipt.level_at_receipt_after <= level.highest_level
                and receipt.channel_after <> method.left_out_channel
                then 1
            else 0
        end as denominator_after
    from receipt
    cross join level_of_indicator as level
    cross join channel_method as method
),

item_change as (
    select
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        dossier_code as item_code,
        coalesce(unit_before, unit_after) as unit_before,
        coalesce(level_before, level_after) as level_before,
        coalesce(unit_after, unit_before) as unit_after,
        coalesce(level_after, level_before) as level_after,
        case when channel_before = 'online' then denominator_before else 0 end as numerator_before,
        denominator_before,
        case when channel_after = 'online' then denominator_after else 0 end as numerator_after,
        denominator_after,
        true as is_in_city,
        case
            when identity_cause is not null then identity_cause
            when is_received_after and not is_received_before
                then coalesce(file_kind, 'newly_received')
            when has_other_receipt then coalesce(file_kind, 'receipt_changed')
            when
                channel_before <> channel_after
                or (
                    level_at_receipt_before <> level_at_receipt_after
                    and (
                        procedure_before is distinct from procedure_after
                        or service_level_before is distinct from service_level_after
                    )
                )
                then coalesce(file_kind, 'reclassed')
            when level_at_receipt_before <> level_at_receipt_after then 'catalogue_changed'
            when has_channels_before <> has_channels_after then 'source_changed'
            when measured_before is null or received_after > measured_before then 'day_passed'
            else 'rule_changed'
        end as cause_code,
        moved_cause as moved_code
    from online_amount
    where denominator_before > 0 or denominator_after > 0
)

select * from item_change
