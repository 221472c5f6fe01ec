"""The report of a job: its content, Markdown and HTML, and the outcome that completes the job."""
