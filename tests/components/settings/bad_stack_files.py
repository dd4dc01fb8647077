"""Stack files that are refused as they are read: what they hold, the key path refused, what was found, the remedy."""

from __future__ import annotations

from typing import Final

SMALL: Final = """\
config:
  aws:region: eu-central-1
  quorate:cluster:
    name: small
  quorate:access:
    sshCidrs: [203.0.113.7/32]
    apiCidrs: [203.0.113.7/32]
  quorate:controlPlane:
    schedulable: true
"""
LEAF: Final = "    name: small\n"
DEEP: Final = f"{'[' * 300}{']' * 300}"


def more(*lines: str) -> str:
    """The small file with lines below `config:`."""
    return SMALL + "".join(f"  {line}\n" for line in lines)


def instead(old: str, new: str) -> str:
    """The small file with something else in place of `old`."""
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new)


def cluster(line: str) -> str:
    """The small file with another key in its cluster."""
    return instead(LEAF, f"{LEAF}    {line}\n")


def group(name: str, value: str) -> str:
    """The small file with a group in place of its own, if it has one."""
    kept = SMALL.split(f"  quorate:{name}:\n")
    rest = kept[1].split("  quorate:", 1) if len(kept) > 1 else [""]
    return f"{kept[0]}{'  quorate:' + rest[1] if len(rest) > 1 else ''}  quorate:{name}: {value}\n"


OBJECTS: Final = (
    "cluster", "network", "access", "apiEndpoint", "etcd", "controlPlane", "kubelet", "networkPlugin", "addons",
    "backups", "tags",
)  # fmt: skip

Bad = tuple[str, str, str, str]

SHAPES: Final[list[Bad]] = [
    *((group(name, ""), f"quorate:{name}", "nothing", "Write an object here") for name in OBJECTS),
    *((group(name, "10.22.0.0/16"), f"quorate:{name}", "'10.22.0.0/16'", "Write an object here") for name in OBJECTS),
    *((group(name, "[]"), f"quorate:{name}", "an empty list", "Write an object here") for name in OBJECTS),
    *((group(name, DEEP), f"quorate:{name}", "a list of 1 item", "Write an object here") for name in OBJECTS),
    (more("quorate:workers: {general: {minimum: 2}}"), "quorate:workers", "an object with 1 key", "Write a list"),
    (more("quorate:workers: {}"), "quorate:workers", "an empty object", "Write a list"),
    (more("quorate:workers:"), "quorate:workers", "nothing", "Write a list"),
    (more("quorate:workers: [general]"), "quorate:workers[0]", "'general'", "Write an object here"),
    (more("quorate:workers: [{name: a, taints: {}}]"), "quorate:workers[0].taints", "an empty object", "Write a list"),
    (more("quorate:workers: [{name: a, labels: []}]"), "quorate:workers[0].labels", "an empty list", "Write an object"),
    (more("networkPlugin: flannel"), "quorate:networkPlugin", "'flannel'", "indented below it: name, version."),
    (instead("[203.0.113.7/32]\n    api", "[]\n    api"), "quorate:access.sshCidrs", "an empty list", "runs pulumi"),
    (
        more("quorate:network: {interfaceEndpoints: {}}"),
        "quorate:network.interfaceEndpoints",
        "an empty object",
        "list",
    ),
]
KEYS: Final[list[Bad]] = [
    (
        more("quorate:kuberntesVersion: 1.36.4"),
        "quorate:kuberntesVersion",
        "key 'kub",
        "below cluster: kubernetesVersion",
    ),
    (more("quorate:vpcCidr: 10.0.0.0/16"), "quorate:vpcCidr", "the key 'vpcCidr'", "Write it below network: vpcCidr"),
    (more("quorate:VPCCIDR: 10.0.0.0/16"), "quorate:VPCCIDR", "the key 'VPCCIDR'", "Write it below network: vpcCidr"),
    (more("quorate:instanceType: t3.large"), "quorate:instanceType", "key", "below etcd or controlPlane or workers"),
    (more("sshCidrs: [203.0.113.7/32]"), "quorate:sshCidrs", "the key 'sshCidrs'", "Write it below access: sshCidrs"),
    (more("quorate:max_pods: 30"), "quorate:max_pods", "the key 'max_pods'", "Write it below kubelet: maxPods"),
    (more("quorate:Network: {}"), "quorate:Network", "the key 'Network'", "Did you mean network?"),
    (more("quorate:networkplugin: {}"), "quorate:networkplugin", "the key 'networkplugin'", "mean networkPlugin?"),
    (more("quorate:control-plane: {}"), "quorate:control-plane", "the key 'control-plane'", "mean controlPlane?"),
    (more("quorate:worker: []"), "quorate:worker", "the key 'worker'", "Did you mean workers?"),
    (more("quorate:netw\u043erk: {}"), "quorate:netw\\u043erk", "the key 'netw\\u043erk'", "Did you mean network?"),
    (more("quorate:network: {VPCCIDR: 10.0.0.0/16}"), "quorate:network.VPCCIDR", "'VPCCIDR'", "mean vpcCidr?"),
    (more("quorate:network: {vpc_cidr: 10.0.0.0/16}"), "quorate:network.vpc_cidr", "'vpc_cidr'", "mean vpcCidr?"),
    (more("quorate:network: {maxPods: 10}"), "quorate:network.maxPods", "'maxPods'", "below kubelet: maxPods"),
    (more("quorate:etcd: {count: 3}"), "quorate:etcd.count", "the key 'count'", "Write it below controlPlane: count"),
    (more("quorate:etcd: {Topology: external}"), "quorate:etcd.Topology", "the key 'Topology'", "mean topology?"),
    (cluster("n\u0430me: x"), "quorate:cluster.n\\u0430me", "the key 'n\\u0430me'", "Did you mean name?"),
    (cluster("NAME: x"), "quorate:cluster.NAME", "the key 'NAME'", "Did you mean name?"),
    (cluster("dom\u0430in: x"), "quorate:cluster.dom\\u0430in", "the key 'dom\\u0430in'", "Did you mean domain?"),
    (cluster("1: x"), "quorate:cluster.1", "the key '1'", "Known keys: containerdVersion, domain"),
    (cluster("true: x"), "quorate:cluster.true", "the key 'true'", "Known keys: containerdVersion, domain"),
    (cluster("networkPlugin: {}"), "quorate:cluster.networkPlugin", "the key", "of its own: quorate:networkPlugin."),
    (cluster("Workers: []"), "quorate:cluster.Workers", "the key 'Workers'", "a group of its own: quorate:workers."),
    (more("quorate:workers: [{nam: a}]"), "quorate:workers[0].nam", "the key 'nam'", "Did you mean name?"),
    (more("quorate:workers: [{name: a, INSTANCETYPE: x}]"), "quorate:workers[0].INSTANCETYPE", "key", "instanceType?"),
    (more("quorate:'cluster.name': x"), "quorate:'cluster.name'", "the key", "There is no such key"),
    (more("cluster.name: x"), "quorate:cluster.name", "the key 'cluster.name'", "Write it below cluster"),
]
NAMESPACES: Final[list[Bad]] = [
    *(
        (more(f"{wrong}: {{topology: external}}"), wrong, f"the namespace '{wrong.split(':')[0]}'", f"mean {right}?")
        for wrong, right in (
            ("qourate:etcd", "quorate:etcd"),
            ("quorat:etcd", "quorate:etcd"),
            ("Quorate:etcd", "quorate:etcd"),
            ("QUORATE:etcd", "quorate:etcd"),
            ("quorates:etcd", "quorate:etcd"),
            ("quorate-:etcd", "quorate:etcd"),
            ("policy:exemptions", "policies:exemptions"),
            ("Policies:exemptions", "policies:exemptions"),
            ("policie:monthlyBudgetUsd", "policies:monthlyBudgetUsd"),
            ("AWS:profile", "aws:profile"),
            ("aw:profile", "aws:profile"),
            ("kubernets:context", "kubernetes:context"),
        )
    ),
    (
        more("qu\u043erate:etcd: {}"),
        "qu\\u043erate:etcd",
        "the namespace 'qu\\u043erate'",
        "Did you mean quorate:etcd?",
    ),
    (more("qourate:config:etcd: {}"), "qourate:etcd", "the namespace 'qourate'", "Did you mean quorate:etcd?"),
    (more("gcp:project: x"), "gcp:project", "the namespace 'gcp'", "Namespaces that are read: quorate, aws"),
    (more("azure-native:location: x"), "azure-native:location", "the namespace", "Remove it: nobody reads it."),
    (more('":etcd": {}'), ":etcd", "the namespace ''", "Remove it: nobody reads it."),
    (more("quorate:etcd:members: 3"), "quorate:etcd:members", "a key with several colons", "as in quorate:cluster"),
    (more("a:b:c:d: 3"), "a:b:c:d", "a key with several colons", "Write NAMESPACE:KEY"),
]
REGIONS: Final[list[Bad]] = [
    (instead("  aws:region: eu-central-1\n", ""), "aws:region", "nothing", "a region's code such as eu-central-1"),
    (instead("aws:region: eu-central-1", "aws:regoin: eu-central-1"), "aws:region", "nothing", "Did aws:regoin mean"),
    (instead("aws:region: eu-central-1", "aws:region:"), "aws:region", "'null'", "a region's code such as"),
    (instead("aws:region: eu-central-1", "aws:region: 7"), "aws:region", "'7'", "a region's code such as"),
    (instead("aws:region: eu-central-1", "aws:region: [eu-central-1]"), "aws:region", "'[\"eu-c", "a region's code"),
    (instead("aws:region: eu-central-1", "aws:region: Frankfurt"), "aws:region", "'Frankfurt'", "a region's code"),
]
WORDS: Final[list[Bad]] = [
    (more("quorate:apiEndpoint: {public: yes}"), "quorate:apiEndpoint.public", "'yes'", "Write true or false"),
    (more("quorate:etcd: {volumeGib: 1:30}"), "quorate:etcd.volumeGib", "'1:30'", "Write a whole number"),
    (more("quorate:etcd: {volumeGib: 0o8}"), "quorate:etcd.volumeGib", "'0o8'", "Write a whole number"),
    (more("quorate:etcd: {volumeGib: 007}"), "quorate:etcd.volumeGib", "7", "Choose a number from 8"),
    (more("quorate:etcd: {volumeGib: 20.5}"), "quorate:etcd.volumeGib", "20.5", "Write a whole number"),
    (more("quorate:etcd: {volumeGib: 1e30}"), "quorate:etcd.volumeGib", "1e+30", "Write a whole number"),
    (more("quorate:etcd: {volumeGib: .nan}"), "quorate:etcd.volumeGib", "'.nan'", "Write a number"),
    (more("quorate:etcd: {volumeGib: -.inf}"), "quorate:etcd.volumeGib", "'-.inf'", "Write a number"),
    (more("quorate:etcd: {volumeGib: '20'}"), "quorate:etcd.volumeGib", "'20'", "without quotes"),
    (more(f"quorate:etcd: {{volumeGib: {'9' * 5000}}}"), "quorate:etcd.volumeGib", "(5000 characters)", "whole number"),
    (more(f"quorate:etcd: '{{\"volumeGib\": {'9' * 5000}}}'"), "quorate:etcd.volumeGib", "inf", "whole number"),
    (more("quorate:etcd: {volumeGib: !!int 20}"), "quorate:etcd.volumeGib", "the tag", "write the value itself"),
    (more("quorate:etcd: !!map {volumeGib: 20}", "quorate:tags: !x {a: b}"), "quorate:tags", "tag '!x'", "Remove it"),
    (more("quorate:tags: {owner: 2026-01-02}"), "quorate:tags.owner", "the date '2026-01-02'", "Put it in quotes"),
    (more("quorate:tags: {owner: !!binary aGk=}"), "quorate:tags.owner", "the tag", "write the value itself"),
    (more("quorate:tags: {a.b: 2026-1-2}"), 'quorate:tags["a.b"]', "the date '2026-1-2'", "Put it in quotes"),
    (more("quorate:tags: {a: b, a: c}"), "quorate:tags.a", "the key a second time, on line 10", "Keep one of them"),
    (more("quorate:tags: {1: b, '1': c}"), "quorate:tags.1", "the key a second time, on line 10", "Keep one of them"),
    (more("quorate:tags: {? [a] : b}"), "quorate:tags", "a key that is a list", "Write a text as the key"),
    (more("quorate:tags: {~: b}"), "quorate:tags", "a key that is '~'", "Write a text as the key"),
    (more("quorate:tags: {<<: 7}"), "quorate:tags.<<", "'7'", "Write an object here"),
    (more("quorate:tags: {<<: {a: b}, <<: {c: d}}"), "quorate:tags.<<", "a second time", "Merge a list of objects"),
    (more("quorate:tags: {a: {b: c}}"), "quorate:tags.a", "an object with 1 key", "Write a text here"),
    (more("quorate:tags: {a: }"), "quorate:tags.a", "nothing", "Write a text here"),
    (more("quorate:tags: {a: true}"), "quorate:tags.a", "true", "Put it in quotes"),
    (more("quorate:tags: {a: 1.50}"), "quorate:tags.a", "1.5", "Put it in quotes"),
    (more('quorate:tags: {a: "x\\u202ey"}'), "quorate:tags.a", "'x\\u202ey'", "Write up to 256 letters"),
    (more('quorate:tags: {"a\\e[31m": b}'), "quorate:tags", "'a\\x1b[31m'", "Write 1 to 128 letters"),
    (cluster("kubernetesVersion: 1.36"), "quorate:cluster.kubernetesVersion", "1.36", "Write the full version"),
    (cluster("kubernetesVersion: [1.36.4]"), "quorate:cluster.kubernetesVersion", "a list of 1 item", "full version"),
    (cluster("kubernetesVersion: 2026-10-01"), "quorate:cluster.kubernetesVersion", "the date", "Put it in quotes"),
    (cluster("kubernetesVersion: 2026-13-45"), "quorate:cluster.kubernetesVersion", "'2026-13-45'", "full version"),
    (cluster("domain: no.x_"), "quorate:cluster.domain", "'no.x_'", "Write a domain in lower case"),
    (instead("name: small", "name: 7"), "quorate:cluster.name", "7", "1 to 20 lower-case letters"),
    (instead("name: small", "name: sm\u0430ll"), "quorate:cluster.name", "'sm\\u0430ll'", "1 to 20 lower-case letters"),
    (instead("name: small", "name: {secure: v1:x}"), "quorate:cluster", "an encrypted value", "Write it in plain text"),
    (more("quorate:tags: {a: {secure: v1:x}}"), "quorate:tags", "an encrypted value", "Write it in plain text"),
    (more("quorate:tags: {secure: v1:x}"), "quorate:tags", "an encrypted value", "Write it in plain text"),
    (more(f"quorate:addons: '{{\"x\": {'[' * 5000}'"), "quorate:addons", "nested too deeply", "docs/settings.md"),
    (more(f"quorate:addons: '{'[' * 5000}{']' * 5000}'"), "quorate:addons", "nested too deeply", "docs/settings.md"),
]
FORMATS: Final[list[Bad]] = [
    *(
        (
            more(f"quorate:networkPlugin: {{name: {name}, version: {version}}}"),
            "quorate:networkPlugin.version",
            version,
            to,
        )
        for name, version, to in (
            ("calico", "3.30.7", "Choose 3.31.0, 3.32.0 or 3.32.1"),
            ("calico", "3.31.7", "quorate's manifest was compared"),
            ("calico", "3.32.2", "quorate's manifest was compared"),
            ("calico", "3.33.0", "Choose 3.31.0, 3.32.0 or 3.32.1"),
            ("calico", "0.28.4", "Choose 3.31.0, 3.32.0 or 3.32.1"),
            ("calico", "4.32.1", "Choose 3.31.0, 3.32.0 or 3.32.1"),
            ("flannel", "0.28.5", "Choose 0.28.4 or 0.28.9"),
            ("flannel", "0.27.4", "Choose 0.28.4 or 0.28.9"),
            ("flannel", "1.28.4", "Choose 0.28.4 or 0.28.9"),
            ("flannel", "3.32.1", "Choose 0.28.4 or 0.28.9"),
        )
    ),
    (
        more("quorate:networkPlugin: {name: calico}"),
        "quorate:networkPlugin.version",
        "nothing",
        "Choose 3.31.0, 3.32.0 or 3.32.1",
    ),
    (more("network: {vpcCidr: 010.022.000.000/16}"), "quorate:network.vpcCidr", "'010.022", "octal: 10.22.0.0/16"),
    (
        more("network: {podCidr: 10.244.0.0/016}"),
        "quorate:network.podCidr",
        "'10.244.0.0/016'",
        "four numbers up to 255",
    ),
    (more(f"etcd: {{topology: external, sha256: {'A' * 64}}}"), "quorate:etcd.sha256", "'AAA", "lower-case"),
    (
        more("workers: [{name: a, instanceType: mac-m4pro.metal}]"),
        "quorate:workers[0].instanceType",
        "mac",
        "run macOS",
    ),
    (more("workers: [{name: a, instanceType: mac-m4.metal}]"), "quorate:workers[0].instanceType", "mac", "run macOS"),
    (
        more(f"workers: [{{name: a, instanceType: a{'1' * 60000}}}]"),
        "quorate:workers[0].instanceType",
        "(60001 characters)",
        "Write an EC2 instance type",
    ),
]
IGNORED: Final[list[Bad]] = [
    *(
        (f"{SMALL}{key}: {{}}\n", key, f"the key '{key}' at the file's margin", "Write it below `config:`, indented")
        for key in (
            "quorate:backups",
            "backups",
            "aws:region",
            "Config",
            "confg",
            "quorate:etcd",
            "policies:exemptions",
        )
    ),
    (f"{SMALL}---\nconfig: {{}}\n", "line 11", "a second document", "Remove it"),
    (f"{SMALL}---\n{SMALL}", "line 11", "a second document", "Remove it"),
    (f"{SMALL}---\n[ damage\n", "line", "a second document", "Remove it"),
    (more("controlPlane: {count: 3}"), "quorate:controlPlane", "the key 2 times", "Pulumi takes one at random"),
    (more("cluster: {name: x}"), "quorate:cluster", "the last on line 10", "Pulumi takes one at random"),
    (more("quorate:config:cluster: {name: x}"), "quorate:cluster", "the key 2 times", "Keep one of them"),
    (more("aws:config:region: eu-west-1"), "aws:region", "the key 2 times", "Keep one of them"),
    (more("quorate:access: {}"), "config.quorate:access", "the key a second time, on line 10", "Keep one of them"),
    (f"{SMALL}config: {{}}\n", "config", "the key a second time, on line 10", "Keep one of them"),
    (f"{SMALL}environment: [shared]\n", "environment", "environments of Pulumi ESC", "Only Pulumi can read"),
]
BAD: Final = [*SHAPES, *KEYS, *NAMESPACES, *REGIONS, *WORDS, *FORMATS, *IGNORED]

DAMAGED: Final[list[tuple[bytes, str]]] = [
    (b"config: [\n", "line 2, column 1"),
    (b"config: {\n", "line 2, column 1"),
    (b"config:\n\tx: 1\n", "cannot start any token"),
    (b"config: *nobody\n", "undefined alias"),
    (b"config: 'open\n", "unexpected end of stream"),
    (b"config:\n  a: 1\n b: 2\n", "line 3, column 2"),
    (b"# H\xf6chst\nconfig: {}\n", "line 1 has a byte (0xf6) that is not UTF-8"),
    (b"config: {}\n\xff\xfe", "line 2 has a byte (0xff)"),
    (SMALL.encode("utf-16"), "line 1 has a byte (0xff)"),
    (b"config: \x00\n", "a character (0x0) that YAML doesn't allow"),
    (b"config: \x1b[31m\n", "a character (0x1b)"),
    (b"config: {quorate:tags: " + b"[" * 700 + b"]" * 700 + b"}\n", "nested too deeply"),
    (b"config: &a [*a]\n", "has no `config:`"),
    (b"config: {a: &a [*a]}\n", "contain themselves"),
    (b"config: {a: &a {<<: *a}}\n", "contain themselves"),
    (b"config:\n  a: &a [x, x, x, x, x, x, x, x, x]\n"
     + b"".join(b"  %c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 107)),
     "more than 100,000 values"),
    (b'config: {quorate:tags: {a: "\\ud800"}}\n', "line 1 has an escape"),
    (b'config: {quorate:tags: {"\\udfff": a}}\n', "line 1 has an escape"),
    (b"%YAML 3.0\n---\nconfig: {}\n", "incompatible YAML document"),
    (b"%TAG ! \n---\nconfig: {}\n", "line 1"),
    (b"", "has no `config:`"),
    (b"# nothing\n", "has no `config:`"),
    (b"config:\n", "has no `config:`"),
    (b"config: []\n", "Write an object here"),
    (b"- config\n", "Write an object here"),
    (b"quorate:cluster: {name: x}\n", "at the file's margin"),
]  # fmt: skip
