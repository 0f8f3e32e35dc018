"""The wire contract: what clients send and receive, and nothing of how it is kept."""
