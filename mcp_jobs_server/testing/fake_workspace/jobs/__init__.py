"""Jobs, their runs, and the processes that execute them."""
