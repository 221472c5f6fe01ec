"""The rules of jobs: start with ``service.py``; requests, quotas and lists beside it."""
