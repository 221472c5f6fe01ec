"""The processes that run jobs on this machine: launcher, runner, job, and how a job ends."""
