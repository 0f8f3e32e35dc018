"""The rehearsal: a crowd of simulated phones, a push service for them, and the organisers.

Speaks to the system through its public API only, and shares no encryption code with the sender, so
that a fault there cannot cancel itself out here.
"""
