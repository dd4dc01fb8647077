"""Stands in for the plugin `command` 1.2.1, as far as the program uses it: local.Command and remote.Command.

It is unkind where the original is (pulumi-command's provider/pkg/provider at v1.2.1, golang.org/x/crypto/ssh):

- Behind a proxy, a handshake that failed is tried again on the same connection, which the failure has closed. So it
  fails until `dialErrorLimit` is reached, at a pause of 5 s each: some ten minutes for a limit of 130.
- `perDialTimeout` bounds the TCP connection alone: not the handshake, not the connection from the proxy onwards.
- A command on a host goes on when the update is cancelled or `customTimeouts` have passed, and the update waits for it.
  A local one is killed; what it started may hold its output open, and then the update waits for that.
- The host shows the key of the type that Go's client prefers: ECDSA, RSA, Ed25519, whatever type `hostKey` has.
- Connections stay open until the update ends. The first hop has TCP keepalive (15 s), SSH has none.
- A failure shows the whole command and all output, whatever `logging` is. Outputs are not secret by themselves.
- Without `update`, `create` runs again upon any change. `triggers` replace.

It differs here:

- Properties, resources and functions that the program does not use are refused by name: schema.py lists the rest.
  `addPreviousOutputInEnv` of a remote command must be false; private keys are Ed25519 in OpenSSH's form.
- A logged line of 64 KiB or more is an error; the original hangs. The agent at SSH_AUTH_SOCK is not asked.
- A command that a signal ended on its host is reported without the signal's name; other messages differ in wording.
- When the engine is killed the plugin ends within a second; the original looks every five minutes.
"""
