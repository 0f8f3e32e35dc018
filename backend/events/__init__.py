"""Series of gatherings and their occurrences."""
