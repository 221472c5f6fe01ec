"""The processes of local jobs: launcher, runner and job, and how a job ends."""
