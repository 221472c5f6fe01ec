"""The ends of the help texts: what the commands look like in use."""

MAIN = """\
examples:
  mcp-jobs-server sources add handbook ~/Documents/handbook
  mcp-jobs-server research "How many days of leave are there? Who grants them?"
  mcp-jobs-server connect claude-desktop
  mcp-jobs-server jobs list

Each command has its own --help. Data is kept in the user's data directory; the environment
variable MCP_JOBS_DATA_DIR moves it.
"""
SERVE = """\
examples:
  mcp-jobs-server serve
  mcp-jobs-server serve --source ~/Documents/handbook --source law="~/Law texts"
  mcp-jobs-server serve --transport http --port 8000      (then http://127.0.0.1:8000/mcp)

'mcp-jobs-server connect' prints the configuration with which a client starts this.
"""
RESEARCH = """\
examples:
  mcp-jobs-server research "What does the contract say about notice?" --source ~/contracts
  mcp-jobs-server research "Compare the two designs" --question "What does A cost?" \\
      --question "What does B cost?" --term price --depth deep --minutes 10
  mcp-jobs-server research "Who signed?" --detach

The job runs by itself: Ctrl-C stops watching it, not the job.
exit code: 0 answered, 3 partial, 4 insufficient evidence, 1 failed or cancelled, 2 wrong usage.
"""
JOBS = """\
examples:
  mcp-jobs-server jobs list --all
  mcp-jobs-server jobs watch
  mcp-jobs-server jobs report 20260131-abc --part evidence
  mcp-jobs-server jobs check 20260131-abc answer.md
  mcp-jobs-server jobs cancel 20260131-abcdefghijklm --finish-now
  mcp-jobs-server jobs remove --older-than 30d
"""
SOURCES = """\
examples:
  mcp-jobs-server sources add handbook ~/Documents/handbook
  mcp-jobs-server sources list
  mcp-jobs-server sources remove handbook

Never granted: a drive's root, a whole home folder, hidden paths, credentials, the system's own
folders, and the data of this server.
"""
CONNECT = """\
examples:
  mcp-jobs-server connect claude-desktop
  mcp-jobs-server connect cursor --source ~/Documents/handbook
"""
DOCTOR = """\
On Databricks it looks at volume, job and app, and starts a run of the job that tests model,
sources and network as the job's own identity, and how long a cold start takes.
exit code: 0 when everything works, 1 when something is broken.
"""
STOP = """\
Reports and jobs stay. A job that was running is taken up again by the next runner.
"""
SETUP = """\
examples:
  mcp-jobs-server setup --catalog main --schema research --volume jobs --job 625234784902960
  mcp-jobs-server setup --catalog main --schema research --volume jobs --job 625234784902960 \\
      --app mcp-research-jobs-prod --group staff --client-id ID --client-secret-file FILE --apply

It signs in as the databricks command line does. A second time it changes nothing.
exit code: 0 when all is well, 1 when something is broken or could not be done.
"""
RETENTION = """\
examples:
  mcp-jobs-server retention --root /Volumes/main/research/jobs --days 90
  mcp-jobs-server retention --root /Volumes/main/research/jobs --days 90 --apply
  mcp-jobs-server retention --root /Volumes/main/research/jobs --days all \\
      --owner ana-0123456789abcdef --apply

Never deleted: a job that has not ended, and one that such a job builds on. It can be cut short and
run again at any time.
"""
