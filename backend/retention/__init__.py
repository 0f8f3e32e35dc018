"""How long anything lives: weekly epochs, their keys, and expiry."""
