"""What tests of actions share: control groups of their own, and a daemon that may act on them."""
