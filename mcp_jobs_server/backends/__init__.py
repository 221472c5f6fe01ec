"""Where jobs run: the ports, shared code, and the backends ``local`` and ``lakeflow``.

A backend implements two ports: ``runner.py`` runs jobs, ``folders.py`` stores their files.
"""
