"""The regions of AWS that the program can work in. Pure.

AWS itself can't be asked: a name that is wrong has no server that would answer. A test compares with the SDK's list.
"""

from __future__ import annotations

import re
from typing import Final

from components.settings.suggestions import did_you_mean

REGIONS: Final = """
    af-south-1
    ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
    ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
    ca-central-1 ca-west-1
    eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
    il-central-1
    me-central-1 me-south-1 me-west-1
    mx-central-1
    sa-east-1 sa-west-1
    us-east-1 us-east-2 us-west-1 us-west-2
"""
# China, GovCloud, the European Sovereign Cloud, and those of secret networks: other names, other accounts.
_OTHER_PARTITION: Final = r"(cn|eusc|us-gov|(us|eu)-iso[a-z]?)-[a-z0-9-]+"


def refuse_region(region: str) -> str | None:
    """A remedy for a well-written region that the program can't work in, else None."""
    known = REGIONS.split()
    if region in known:
        return None
    if re.fullmatch(_OTHER_PARTITION, region):
        return (
            "Choose a region such as eu-central-1: this one is not supported, as it belongs to another partition of "
            "AWS, where services have other names and no machine image that quorate knows is published."
        )
    return (
        f"Choose a region of AWS: there is none of this name.{did_you_mean(region, known)} If it is newer than this "
        "release of quorate, add it to components/settings/regions.py."
    )
