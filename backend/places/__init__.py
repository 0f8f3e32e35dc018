"""Where gatherings are held: an offline gazetteer and distances between places."""
