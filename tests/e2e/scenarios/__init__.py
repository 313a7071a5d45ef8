"""One file per scenario, each with a class of its own name in camel case; run.py has the table."""
