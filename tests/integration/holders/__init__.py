"""Programs that hold the dead, the room they live in, the load on them, and who buries."""
