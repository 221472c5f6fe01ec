"""What a job writes to its folder and reads back: journal, status, ledger, tasks, storage."""
