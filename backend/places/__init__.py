"""Where gatherings are held."""
