"""The report: what it says, as Markdown and HTML, and the outcome that ends a job."""
