"""Exit 10: coordinates rallies without learning who takes part. Rooms are told in README.md."""
