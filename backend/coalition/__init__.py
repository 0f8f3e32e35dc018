"""Organisers, their invites and access tokens, and acts that need several of them."""
