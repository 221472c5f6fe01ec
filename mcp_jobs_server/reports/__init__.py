"""Reading what a job wrote: status, report parts, evidence and logs, page by page."""
