"""Phones' sealed subscriptions, alerts, and their fan-out as Web Push."""
