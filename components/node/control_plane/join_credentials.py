"""Puts a new bootstrap token, good for 20 minutes, where workers look for one. Started by a timer every few minutes on
every control-plane machine; earlier tokens expire by themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from components.node.common.aws import parameter_store
from components.node.common.environment import read_environment
from components.node.common.failure import Failure
from components.node.common.kubeadm import TOKEN, hide_tokens
from components.node.common.kubectl import ADMIN_CONF
from components.node.common.programs import run
from components.node.common.step import run_step, usage
from components.node.common.waiting import wait_until

_STEP = "renew-join-credentials"
_LIFETIME = "20m"


def let_workers_in(parameter: str) -> None:
    """From now on workers find credentials in `parameter`, and ask for the API by its name: no sooner than that has a
    record. Nothing where there are no workers, and `parameter` is empty."""
    if parameter:
        timers = ("quorate-join-credentials.timer", "quorate-tend-workers.timer")
        run(["systemctl", "enable", "--quiet", "--now", *timers])
        run(["systemctl", "start", "--no-block", "quorate-join-credentials.service"])


def main(arguments: Sequence[str]) -> int:
    if arguments:
        return usage(f"usage: quorate-node {_STEP}")
    return run_step(_STEP, _work)


def _work() -> None:
    values = read_environment("MACHINE_NAME", "JOIN_PARAMETER")
    machine, parameter = values["MACHINE_NAME"], values["JOIN_PARAMETER"]
    what = "the API and the parameter store to take new credentials"
    wait_until(120, what, lambda: renew(machine, parameter, put_parameter))


def renew(machine: str, parameter: str, put: Callable[[str, str], None]) -> None:
    """Makes a token and puts it into `parameter`. Raises Failure, which never holds the token."""
    description = f"for workers, by {machine}"
    command = ["kubeadm", "token", "create", "--kubeconfig", str(ADMIN_CONF), "--ttl", _LIFETIME]
    try:
        token = run([*command, "--description", description]).strip()
    except Failure as failure:
        raise Failure(hide_tokens(str(failure)) or "kubeadm token create failed") from None
    if not TOKEN.fullmatch(token):
        raise Failure(f"kubeadm token create printed no token but {len(token)} other characters")
    put(parameter, token)


def put_parameter(name: str, value: str) -> None:
    """Makes `value` the value of an encrypted parameter. Raises Failure."""
    parameter = {"Name": name, "Value": value, "Type": "SecureString", "Overwrite": True}
    parameter_store("PutParameter", parameter, secrets=(value,))
