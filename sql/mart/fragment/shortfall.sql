-- :shortfall, wherever a SELECT of sql/mart writes it: how many more of those counted would have
-- had to succeed for a rate to meet its target; 0 where it is met.
--
-- It is counted from the integers of the target. It is null for a figure that is no rate, has no
-- target or no data, and for a target that is an upper limit.
--
-- It reads `value_scale`, `comparison`, `target_numerator`, `target_denominator`, `numerator`,
-- `denominator` and `status`. A quotient of integers is exact wherever it is an integer.
select
    case
        when
            value_scale = 100
            and comparison in ('>=', '=', '>')
            and status in ('met', 'not_met')
            then
                greatest(
                    cast(
                        case
                            when comparison = '>'
                                then
                                    floor(
                                        cast(target_numerator * denominator as double precision)
                                        / target_denominator
                                    ) + 1
                            else
                                ceil(
                                    cast(target_numerator * denominator as double precision)
                                    / target_denominator
                                )
                        end as bigint
                    ) - numerator,
                    0
                )
    end as shortfall
from figure
