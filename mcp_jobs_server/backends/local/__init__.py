"""Jobs as detached processes of this machine: ``runner.py`` is the server's side of it.

``process.py`` is the runner process that carries the jobs, ``store.py`` and ``queue.py`` are
what each of the two does with the database. The server's side loads no process library.
"""
