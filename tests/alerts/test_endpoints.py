"""Addresses that no push may ever go to."""

import pytest

from backend.alerts.endpoints import EndpointError, EndpointPolicy, is_public

GOOD = [
    "https://fcm.googleapis.com/fcm/send/dpH5lCsTSSM:APA91bHqjZxM0VImWWqDRN7U0a",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABh",
    "https://web.push.apple.com/QGuQyavXutnMH",
    "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAC",
]

BAD = {
    1: "http://fcm.googleapis.com/fcm/send/x",
    2: "https://127.0.0.1/x",
    3: "https://[::1]/x",
    4: "https://[::ffff:127.0.0.1]/x",
    5: "https://169.254.169.254/latest/meta-data/",
    6: "https://10.0.0.1/x",
    7: "https://100.64.0.1/x",
    8: "https://2130706433/x",
    8.1: "https://0177.0.0.1/x",
    8.2: "https://0x7f000001/x",
    9: "https://localhost/x",
    10: "https://fcm.googleapis.com.evil.example/x",
    11: "https://evilfcm.googleapis.com/x",
    12: "https://fcm.googleapis.com@evil.example/x",
    12.1: "https://user:word@fcm.googleapis.com/x",
    13: "https://fcm.googleapis.com:8443/x",
    13.1: "https://fcm.googleapis.com:443/x",
    16: "https://fcm.gооgleapis.com/x",
    16.1: "https://xn--fcm-zna.googleapis.com/x",
    17: "https://fcm.googleapis.com/x\r\nHost: evil.example",
    17.1: "https://fcm.googleapis.com/x\0",
    17.2: "https://fcm.googleapis.com/\tx",
    17.3: "https://fcm.googleapis.com\n/x",
    18: "https://fcm.googleapis.com/" + "x" * 4096,
    0.1: "https://fcm.googleapis.com",
    0.2: "https://fcm.googleapis.com/",
    0.3: "https://FCM.googleapis.com/x",
    0.4: "https://fcm.googleapis.com./x",
    0.5: "https://fcm.googleapis.com/x#y",
    0.6: "https://fcm.googleapis.com\\@evil.example/x",
    0.7: "https://notify.windows.com/x",
    0.8: "https://a.b.notify.windows.com/x",
    0.9: "https://fcm.googleapis.com:99999999/x",
    0.91: "ftp://fcm.googleapis.com/x",
    0.92: "",
    0.93: "https://[fcm.googleapis.com/x",
}
"""By the number of the bad input; below one, those without a number."""


@pytest.mark.parametrize("endpoint", GOOD)
def test_real_push_services_are_admitted(endpoint: str) -> None:
    assert EndpointPolicy().check(endpoint).scheme == "https"


@pytest.mark.parametrize("number", BAD)
def test_everything_else_is_refused(number: float) -> None:
    with pytest.raises(EndpointError):
        EndpointPolicy().check(BAD[number])


def test_a_rehearsal_is_admitted_by_its_exact_origin_only() -> None:
    policy = EndpointPolicy(rehearsal_origin="https://localhost:9443")
    assert policy.check("https://localhost:9443/push/x").port == 9443
    for other in ("https://localhost:9444/push/x", "https://localhost/push/x"):
        with pytest.raises(EndpointError):
            policy.check(other)
    with pytest.raises(EndpointError):
        EndpointPolicy().check("https://localhost:9443/push/x")


def test_an_operator_can_admit_a_push_service_of_her_own() -> None:
    endpoint = "https://ntfy.rally.example/up/x"
    assert EndpointPolicy(["ntfy.rally.example"]).check(endpoint).hostname == "ntfy.rally.example"
    with pytest.raises(EndpointError):
        EndpointPolicy().check(endpoint)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_inside_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["142.250.206.10", "2404:6800:4004:80a::200a"])
def test_outside_addresses_are_public(address: str) -> None:
    assert is_public(address)
