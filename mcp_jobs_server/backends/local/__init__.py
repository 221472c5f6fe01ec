"""Jobs as detached processes of this machine.

``runner.py`` is the server's side; it imports no process library. ``processes/`` has the processes
that run jobs, ``store/`` the SQLite database that both sides use. The modules directly in this
folder are used by both sides.
"""
