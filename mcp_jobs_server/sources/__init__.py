"""What jobs may read: the registry of sources, their names, grants and access by caller."""
