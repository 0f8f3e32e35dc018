"""Pools by role."""

from collections.abc import Awaitable, Callable

from backend.core.database import Pool, Role

PoolAs = Callable[[Role], Awaitable[Pool]]
"""`await pool_as("exit10_worker")`: connections that may do what a worker may."""
