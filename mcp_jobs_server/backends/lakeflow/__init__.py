"""Jobs on Databricks: folders in a volume, runs of one deployed Lakeflow job. Keeps no state."""
