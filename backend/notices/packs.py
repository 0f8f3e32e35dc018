"""The packs: one file of data for each jurisdiction, read once. What they mean is in rules.py."""

from pathlib import Path

import msgspec

from schemas.notices import Jurisdiction

_FOLDER = Path(__file__).with_name("jurisdictions")


def _read(name: str) -> Jurisdiction:
    return msgspec.json.decode(_FOLDER.joinpath(f"{name}.json").read_bytes(), type=Jurisdiction)


KOREA = _read("kr")
NONE = _read("none")
ALL = [KOREA, NONE]

_BY_ZONE = {zone: pack for pack in ALL for zone in pack.time_zones}


def pack_of(time_zone: str) -> Jurisdiction:
    """Whose law a gathering is under, by the IANA zone of its series; `none` when it is not known.

    The zone is what organisers have said of the place already, so that nobody can forget to.
    """
    return _BY_ZONE.get(time_zone, NONE)
