"""What the domains share and that knows no domain."""
