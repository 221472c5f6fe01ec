"""The job that does the research: reads a job folder, writes evidence and a report back.

It knows nothing of the server. What both share is :mod:`research_contract.records`.
"""

__version__ = "0.1.0"
