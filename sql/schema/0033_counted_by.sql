-- Which engine counted a night: the warehouse's own, or Apache Spark.

alter table audit.publication add column counted_by varchar;
alter table audit.night_run add column counted_by varchar;
