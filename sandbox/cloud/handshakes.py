"""SSH handshakes that fail once: a machine's next connection is reset before sshd's banner, later ones are served.

nftables itself takes a machine out of its set when the connection comes, so that no second one is hit. The table is
apart from that of the cuts, whose every change would bring back what is used up.
"""

from __future__ import annotations

import json

from sandbox.cloud.addresses import NAMESPACE
from sandbox.cloud.namespace import CommandFailed, run

_TABLE = "inet quorate-handshakes"
_MARK = 22


class Handshakes:
    """Machines are called by the region's end of their link."""

    def fail(self, interface: str) -> None:
        """The next one with the machine fails. Raises CommandFailed."""
        self._apply(armed(interface))

    def heal(self, interface: str) -> None:
        """Nothing where none is to fail. Raises CommandFailed."""
        if interface in self.failing():
            self._apply(
                f'add element {_TABLE} next {{ "{interface}" }}\ndelete element {_TABLE} next {{ "{interface}" }}\n'
            )

    def failing(self) -> set[str]:
        """Those whose next one fails."""
        try:
            listed = json.loads(
                run("ip", "netns", "exec", NAMESPACE, "nft", "-j", "list", "set", *_TABLE.split(), "next")
            )
        except CommandFailed:  # none has failed yet: there is no table
            return set()
        return {name for item in listed["nftables"] for name in item.get("set", {}).get("elem", ())}

    def _apply(self, rules: str) -> None:
        run("ip", "netns", "exec", NAMESPACE, "nft", "-f", "-", stdin=rules)


def armed(interface: str) -> str:
    """The text for `nft -f`: whatever was there, the machine is among those whose next handshake fails (pure).

    The connection is made, since it is the first data of either end, version or banner, that is answered with a reset.
    """
    return f"""table {_TABLE} {{
  set next {{ type ifname; flags dynamic; size 1024; }}
  chain forward {{ type filter hook forward priority -10; policy accept; }}
}}
flush chain {_TABLE} forward
add rule {_TABLE} forward tcp dport 22 ct state new oifname @next delete @next {{ oifname }} ct mark set {_MARK}
add rule {_TABLE} forward ct mark {_MARK} tcp flags & psh == psh reject with tcp reset
add element {_TABLE} next {{ "{interface}" }}
"""
