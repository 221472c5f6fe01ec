"""The command ``researcher-job``: runs one folder as a process or as a platform run."""
