"""Examples and notes at the end of the help texts."""

MAIN = """\
examples:
  mcp-jobs-server sources add handbook ~/Documents/handbook
  mcp-jobs-server research "How many days of leave are there? Who grants them?"
  mcp-jobs-server connect claude-desktop
  mcp-jobs-server jobs list

Each command has its own --help. Data is kept in the user's data directory; set the environment
variable MCP_JOBS_DATA_DIR to use another one.
"""
SERVE = """\
examples:
  mcp-jobs-server serve
  mcp-jobs-server serve --source ~/Documents/handbook --source law="~/Law texts"
  mcp-jobs-server serve --transport http --port 8000      (then http://127.0.0.1:8000/mcp)

'mcp-jobs-server connect' prints the configuration that makes a client start this server.
"""
RESEARCH = """\
examples:
  mcp-jobs-server research "What does the contract say about notice?" --source ~/contracts
  mcp-jobs-server research "Compare the two designs" --question "What does A cost?" \\
      --question "What does B cost?" --term price --depth deep --minutes 10
  mcp-jobs-server research "Who signed?" --detach

The job runs in the background: Ctrl-C stops watching, not the job.
exit code: 0 answered or evidence found, 3 partial or ended early, 4 insufficient evidence,
1 failed or cancelled, 2 wrong usage.
"""
JOBS = """\
examples:
  mcp-jobs-server jobs list --state completed --since 30d contract
  mcp-jobs-server jobs watch
  mcp-jobs-server jobs report 20260131-abc --part evidence
  mcp-jobs-server jobs report --open
  mcp-jobs-server jobs check 20260131-abc answer.md
  mcp-jobs-server jobs steer 20260131-abc "add: Who pays for it?"
  mcp-jobs-server jobs cancel 20260131-abc --finish-now
  mcp-jobs-server jobs remove --older-than 30d
"""
SOURCES = """\
examples:
  mcp-jobs-server sources add handbook ~/Documents/handbook
  mcp-jobs-server sources add notes ~/notes --include '*.md' --exclude drafts/
  mcp-jobs-server sources list
  mcp-jobs-server sources index handbook
  mcp-jobs-server sources remove handbook

Never granted: the root of a drive, a whole home folder, hidden paths, credentials, system folders,
and the data of this server.
"""
CONNECT = """\
examples:
  mcp-jobs-server connect claude-desktop
  mcp-jobs-server connect cursor --source ~/Documents/handbook
"""
DOCTOR = """\
On Databricks it checks volume, job and app. It also starts a run of the job, which tests model,
sources and network with the identity of the job and measures the cold start.
exit code: 0 if everything works, 1 if something is broken.
"""
COMPLETION = """\
examples:
  source <(mcp-jobs-server completion bash)                   in ~/.bashrc
  source <(mcp-jobs-server completion zsh)                    in ~/.zshrc, after compinit
  mcp-jobs-server completion fish | source                    in ~/.config/fish/config.fish
"""
STOP = """\
Reports and jobs are kept. The next runner continues a job that was running.
"""
SETUP = """\
examples:
  mcp-jobs-server setup --catalog main --schema research --volume jobs --job 625234784902960
  mcp-jobs-server setup --catalog main --schema research --volume jobs --job 625234784902960 \\
      --app mcp-research-jobs-prod --group staff --client-id ID --client-secret-file FILE --apply

It signs in like the databricks command line. Running it again changes nothing.
exit code: 0 if all is well, 1 if something is broken or could not be done.
"""
RETENTION = """\
examples:
  mcp-jobs-server retention --root /Volumes/main/research/jobs --days 90
  mcp-jobs-server retention --root /Volumes/main/research/jobs --days 90 --apply
  mcp-jobs-server retention --root /Volumes/main/research/jobs --days all \\
      --owner ana-0123456789abcdef --apply

Never deleted: an active job, and a job that an active job builds on. The command can be interrupted
and run again at any time.
"""
