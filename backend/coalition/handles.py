"""Handles for organisers who did not choose one: two words and a number, nobody's name."""

_HOW = """
able aware bright brisk calm candid clear clever copper crimson crisp daring eager early even
fearless gentle golden green honest humble indigo keen kind late lively loud lucid mellow mild
modern modest mossy neat noble northern open patient plain proud quick quiet rapid rare ready
restless safe silent silver simple sincere smooth snowy solid sound spring stable steady sturdy
sudden swift tender vivid warm
"""
_WHAT = """
anchor banner beacon bell bicycle boat bridge bucket candle canyon chorus circle comet compass
cricket crossing drum echo engine exit feather ferry fountain garden gate glacier harbour heron
island kettle kite ladder lantern lighthouse magpie maple meadow mirror mountain mural notebook oak
oar orchard otter paper path pebble persimmon pine poster raft ribbon rooftop scarf sparrow square
station stone thunder tide umbrella whistle window
"""


def handle_of(seed: bytes) -> str:
    """The handle that four random bytes stand for, such as `patient-lantern-38`."""
    how, what = _HOW.split(), _WHAT.split()
    number = int.from_bytes(seed)
    number, first = divmod(number, len(how))
    number, second = divmod(number, len(what))
    return f"{how[first]}-{what[second]}-{10 + number % 90}"
