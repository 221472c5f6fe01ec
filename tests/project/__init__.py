"""How the project is built, checked, documented and published: Makefile, workflows, packages."""
