"""Far sides of notifiers: the real ones, and those that behave in ways the real ones seldom do."""
