"""What the law wants to be told of a gathering, by when, and whether it was. No person's name."""
