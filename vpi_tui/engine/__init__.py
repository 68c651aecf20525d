"""engine: joins the stages into a pipeline and publishes snapshots. The only importer of all stages."""
