"""What tests say to the API and read from its refusals."""

import httpx


def bearer(token: str) -> dict[str, str]:
    """The header that carries a capability token."""
    return {"Authorization": f"Bearer {token}"}


def slug(answer: httpx.Response) -> str:
    """The kind of a problem; fails when the answer is no problem details (RFC 9457)."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.json()["status"] == answer.status_code
    return str(answer.json()["type"]).rpartition("/")[2]
