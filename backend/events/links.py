"""Links into the web app, as calendars and feeds carry them. What they name stays on the phone:
a fragment is never sent to a server (RFC 9110 section 4.2.5).
"""

from uuid import UUID


def occurrence_url(origin: str, occurrence: UUID) -> str:
    """Where people read about one gathering; an alert about it leads there too."""
    return f"{origin}/#occurrence={occurrence}"


def series_url(origin: str, series: UUID) -> str:
    """Where people read about a series."""
    return f"{origin}/#series={series}"
