-- :rate_interval, wherever a SELECT of sql/mart writes it: the columns by which rates are ranked.
--
-- rate_lower, rate_upper: the Wilson interval of a rate n / d at 95 %, as percentages, with
-- z = 1.959963984540054 (E. B. Wilson 1927, Journal of the American Statistical Association 22):
--   (2n + z² ± z × √(z² + 4n × (d - n) / d)) / (2 × (d + z²))
-- The lower bound is cut and the upper one rounded up: the interval is never too narrow. Unlike
-- n / d it is wide where there are few cases: 0 of 1 is between 0 and 79.35 %, 0 of 100 between 0
-- and 3.70 %. is_small: fewer cases than `small_denominator` of ref.counting_rule, also of a mean.
--
-- They read `rate_numerator`, `rate_denominator` and, for is_small, `case_count`; where the
-- denominator or the count is null or 0, they are null.
-- Multiplication, division and square root are exact to the last bit on every engine.
select
    cast(
        greatest(
            floor(
                1000000
                * (
                    2 * cast(rate_numerator as double precision)
                    + 3.841458820694124
                    - 1.959963984540054
                    * sqrt(
                        3.841458820694124
                        + 4 * cast(rate_numerator as double precision)
                        * (rate_denominator - rate_numerator)
                        / nullif(rate_denominator, 0)
                    )
                )
                / (2 * (cast(nullif(rate_denominator, 0) as double precision) + 3.841458820694124))
            ) / 10000,
            case when rate_denominator > 0 then 0 end
        ) as decimal(18, 4)
    ) as rate_lower,
    cast(
        least(
            ceil(
                1000000
                * (
                    2 * cast(rate_numerator as double precision)
                    + 3.841458820694124
                    + 1.959963984540054
                    * sqrt(
                        3.841458820694124
                        + 4 * cast(rate_numerator as double precision)
                        * (rate_denominator - rate_numerator)
                        / nullif(rate_denominator, 0)
                    )
                )
                / (2 * (cast(nullif(rate_denominator, 0) as double precision) + 3.841458820694124))
            ) / 10000,
            case when rate_denominator > 0 then 100 end
        ) as decimal(18, 4)
    ) as rate_upper,
    case
        when case_count > 0
            then case_count < (
                select max(rule.rule_value) from ref.counting_rule as rule
                where
                    rule.rule_code = 'small_denominator'
                    and (rule.valid_from is null or rule.valid_from <= :as_of_date)
                    and (rule.valid_to is null or rule.valid_to > :as_of_date)
            )
    end as is_small
from rate
