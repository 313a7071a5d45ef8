"""What the measurements use: processes as /proc shows them, Sexton, its peers, workloads, and the report."""
