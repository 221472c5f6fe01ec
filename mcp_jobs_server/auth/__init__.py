"""Authentication: identifies the caller of a request, with the jobs and sources it may use."""
