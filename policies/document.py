"""Writes docs/policies.md from the catalogue: `python -m policies.document`. Pure but for main()."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from policies.catalogue import BY_SUBJECT, RULES
from policies.exemptions import KEY
from policies.model import Level, Rule

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "policies.md"
_HEAD: Final = """# Policies

Generated from `policies/` by `python -m policies.document`.

```
pulumi preview --stack prod --policy-pack policies
pulumi up --stack prod --policy-pack policies
```

The pack needs the program's environment (`make environment`) and nothing else. `python -m operations preview-comment
--stack prod` runs it too, and so do the workflows. A refusal, here of `access.apiCidrs: [0.0.0.0/0]`, reads:

```
The Kubernetes API is open to named networks only.
prod-groups-in-operators-api-to-control-plane-tcp-6443-0.0.0.0/0 opens the Kubernetes API (port 6443) to 0.0.0.0/0.
Why: if it is open to the world, anyone can exploit a flaw in the API server or use a leaked kubeconfig.
Do: name the networks that need it in quorate:access.apiCidrs, such as your own address with /32.
```

{mandatory} rules are mandatory: a stack that breaks one fails at preview, before anything is created. {advisory} are
advisory: reported, but they don't block the update. Each message says what is wrong, why it matters for a cluster, and
what to set. Rules look at what the program declares, however it was written: at the provider's resources, not at
settings.

A value that a preview can't know yet is never refused on a guess. Rules on single resources look again during the
update, before that resource is created; rules on the whole stack look again at its end.

A rule that fails by a fault of its own says so, at its level; the others are heard all the same, and it can be exempt.

No rule sees a change in place: a machine that keeps its id while it stops and starts, as for another
`instanceType`. Rules see what will be, not what was. The preview comment compares the two, and warns
([review.md](review.md)).

## Another rule

A rule is a function in `policies/rules/`, beside those of its subject, and an entry in `RULES` of that file. Tests ask
for a stack that breaks it (`tests/policies/violations_of_…`), for one whose value is unknown
(`tests/policies/test_unknown_at_preview.py`), and that the sound stack passes. Then `python -m policies.document`.

## Another severity, other parameters

```
pulumi preview --policy-pack policies --policy-pack-config policy-config.json
```

```json
{example}
```

A level is `mandatory`, `advisory` or `disabled`.

## Exemptions

An exemption is in the stack file, names its rule and says why. It covers one resource, those whose names match a
pattern, or, without `resource`, everything that the rule finds:

```yaml
config:
  {key}:
    - policy: nat-in-every-zone
      reason: staging may lose its way out for an hour; a second gateway costs more
    - policy: etcd-volumes-are-kept
      resource: prod-etcd-2-*
      reason: the disk moves to another zone this week, the other two stay
```

Each is reported at every preview with what it lets pass, and so is one that no longer lets anything pass. One without
a reason of at least 15 characters, or for a rule that doesn't exist, fails the preview and exempts nothing.

## Budget

`policies:monthlyBudgetUsd: 700` in the stack file: a stack that costs more at list price triggers a warning.
"""


def page() -> str:
    """The page's text."""
    mandatory = sum(rule.level is Level.MANDATORY for rule in RULES)
    example = {"nat-in-every-zone": "mandatory", "metadata-hop-limit": {"enforcementLevel": "advisory", "maximum": 2}}
    head = _HEAD.format(
        mandatory=mandatory, advisory=len(RULES) - mandatory, key=KEY, example=json.dumps(example, indent=2)
    )
    return head + "".join(_subjects())


def _subjects() -> Iterator[str]:
    for subject, rules in BY_SUBJECT.items():
        yield f"\n## {subject}\n\n| rule | what it asks | why | level, severity |\n|---|---|---|---|\n"
        yield from (_row(rule) for rule in rules)


def _row(rule: Rule) -> str:
    says = rule.says
    for name, parameter in rule.parameters.items():
        says += f" Parameter `{name}`, by default `{json.dumps(parameter.default)}`."
    why = rule.why[:1].upper() + rule.why[1:]
    return f"| `{rule.name}` | {says} | {why} | {rule.level}, {rule.severity} |\n"


def main() -> None:
    PAGE.write_text(page())
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
