"""What the scenarios are made with: an engine of their own, a Sexton beside it, /proc as the ground truth, TAP."""
