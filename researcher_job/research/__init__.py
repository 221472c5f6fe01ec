"""Running a job: its questions and workers, and follow-up and refresh of a base job."""
