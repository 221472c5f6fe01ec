"""Sources that jobs may read: the registry, names, grants, and access by caller."""
