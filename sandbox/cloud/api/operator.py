"""How the operator's programs find the account, and who they are to it."""

from __future__ import annotations

OPERATOR_ACCESS_KEY = "AKIAQUORATEOPERATOR0"
OPERATOR_SECRET_KEY = "operator"


def operator_environment(proxy: str, authority: str, direct: str) -> dict[str, str]:
    """What a program on the host needs to find the account as its operator. `direct` is reached without the proxy."""
    return {
        "HTTPS_PROXY": proxy,
        "HTTP_PROXY": proxy,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "AWS_CA_BUNDLE": authority,
        "AWS_ACCESS_KEY_ID": OPERATOR_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": OPERATOR_SECRET_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
