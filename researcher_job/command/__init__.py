"""The command ``researcher-job``: one folder run as a process or as a run of a platform."""
