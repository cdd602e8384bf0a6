-- mart.source_tally: dossiers by unit and source system, and of how many the source gives the
-- channel and whether the result is digitised.
--
-- A delivery's identifier begins with its source. A source that gives a channel for none of its
-- dossiers gives no channels: mart.receipt_tally; likewise of results: mart.day_tally.
with source_tally as (
    select
        unit_code,
        split_part(delivery_id, '.', 1) as source_code,
        count(*) as dossiers,
        count(channel) as dossiers_with_channel,
        count(result_digitised) as dossiers_with_result_flag
    from mart.counted_dossier
    group by unit_code, split_part(delivery_id, '.', 1)
)

select * from source_tally
