"""Reading and writing a job folder: journal, status, ledger, tasks, storage."""
