"""Full computation on Apache Spark: the same SELECTs, counted by many machines."""
