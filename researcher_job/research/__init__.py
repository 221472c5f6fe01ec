"""Leading a job: its questions, workers, follow-up and refresh of earlier jobs."""
