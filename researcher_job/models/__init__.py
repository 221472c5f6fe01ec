"""Language models: the port, how calls are paid for and kept, and the models of a library."""
