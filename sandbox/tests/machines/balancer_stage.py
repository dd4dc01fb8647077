"""An account with load balancers before two HTTPS servers in two zones, and machines that ask them."""

from __future__ import annotations

import ssl
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sandbox.cloud.api import seeds
from tests.cluster.account import account_client
from tests.cluster.on_machines import run_on

NAME = "https://api.probe.internal:6443/"
TARGETS = ("10.60.0.10", "10.60.1.10")
_SERVER = """#cloud-config
write_files:
- path: /srv/server.py
  content: |
    import http.server, os, socket, ssl, time
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            ready = self.path != '/readyz' or not os.path.exists('/srv/broken')
            if self.path.startswith('/hold/'):
                time.sleep(int(self.path.removeprefix('/hold/')))
            said = f'{socket.gethostname()} {self.client_address[0]}'.encode()
            self.send_response(200 if ready else 500)
            self.send_header('Content-Length', str(len(said)))
            self.end_headers()
            self.wfile.write(said)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain('/srv/server.pem', '/srv/server.key')
    server = http.server.ThreadingHTTPServer(('', 6443), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()
runcmd:
- openssl req -x509 -newkey rsa:2048 -nodes -keyout /srv/server.key -out /srv/server.pem -subj /CN=api -days 9
- systemd-run --unit=api python3 /srv/server.py
"""


def all_at_once(url: str, seconds: int, count: int) -> str:
    """Asks so many times at once: a line for each answer, empty where there was none in these seconds."""
    # curl would write the end of its line by itself, and another answer might come in between.
    ask = f'echo "$(curl -sk --max-time {seconds} {url})"'
    return f"for i in $(seq {count}); do {ask} & done; wait"


@dataclass
class Stage:
    """Machines by name: two targets, a client that may use the internal balancer, and a stranger that may not."""

    environment: dict[str, str]
    machines: dict[str, str] = field(default_factory=dict)
    group: str = ""
    public_group: str = ""
    public_name: str = ""
    internal_name: str = ""

    def client(self, service: str) -> Any:
        return account_client(self.environment, service)

    def health(self) -> dict[str, str]:
        told = self.client("elbv2").describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return {target["Target"]["Id"]: target["TargetHealth"]["State"] for target in told}

    def run(self, machine: str, *command: str) -> str:
        """What a command on a machine says, past its network."""
        return run_on(self.machines[machine], *command).stdout

    def asks(self, machine: str, url: str = NAME) -> list[str]:
        """Who answers a machine, and which address it sees; empty where nobody does."""
        return self.run(machine, "curl", "-sk", "--max-time", "3", url).split()

    def hold(self, seconds: int, count: int = 12) -> Future[list[str]]:
        """Sends requests of the client that are answered after so many seconds: who answers, empty where one is cut."""
        asking = all_at_once(f"{NAME}hold/{seconds}", seconds + 20, count)

        def answers() -> list[str]:
            return [line.partition(" ")[0] for line in self.run("client", "bash", "-c", asking).splitlines()]

        return ThreadPoolExecutor(1).submit(answers)

    def set_attributes(self, **attributes: str) -> None:
        """Of the internal balancer's target group; `__` in place of dots."""
        told = [{"Key": key.replace("__", "."), "Value": value} for key, value in attributes.items()]
        self.client("elbv2").modify_target_group_attributes(TargetGroupArn=self.group, Attributes=told)

    def operator_asks(self, name: str) -> str:
        """As programs on the operator's host ask that honour HTTPS_PROXY."""
        context = ssl._create_unverified_context()
        proxy = urllib.request.ProxyHandler({"https": self.environment["HTTPS_PROXY"]})
        opener = urllib.request.build_opener(proxy, urllib.request.HTTPSHandler(context=context))
        try:
            with opener.open(f"https://{name}:6443/", timeout=10) as answer:
                return str(answer.read().decode())
        except OSError as problem:
            return f"error: {problem}"


def build(stage: Stage) -> None:
    ec2 = stage.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    subnets = []
    for number, zone in enumerate("ab"):
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.60.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        subnets.append(made["Subnet"]["SubnetId"])
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[-1])
    names = ("internal", "public", "target", "client", "stranger")
    groups = {n: ec2.create_security_group(GroupName=n, Description=n, VpcId=vpc)["GroupId"] for n in names}
    for to, source in (
        ("internal", "client"), ("internal", "target"), ("target", "internal"), ("target", "public"),
    ):  # fmt: skip
        peer = {"UserIdGroupPairs": [{"GroupId": groups[source]}]}
        allow(ec2, groups[to], peer)
    allow(ec2, groups["public"], {"IpRanges": [{"CidrIp": "203.0.113.1/32"}]})
    stage.public_group = groups["public"]
    internal, stage.group = balancer(stage, vpc, "internal", "internal", subnets, groups["internal"])
    public, _ = balancer(stage, vpc, "public", "internet-facing", subnets, groups["public"])
    stage.public_name, stage.internal_name = public["DNSName"], internal["DNSName"]
    route53 = stage.client("route53")
    network = {"VPCRegion": "eu-central-1", "VPCId": vpc}
    zone = route53.create_hosted_zone(Name="probe.internal", CallerReference="1", VPC=network)["HostedZone"]["Id"]
    alias = {"DNSName": internal["DNSName"], "HostedZoneId": internal["CanonicalHostedZoneId"]}
    record = {"Name": "api.probe.internal", "Type": "A", "AliasTarget": alias | {"EvaluateTargetHealth": False}}
    change = {"Action": "CREATE", "ResourceRecordSet": record}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    for name, address, group in (
        ("target-0", TARGETS[0], "target"), ("target-1", TARGETS[1], "target"),
        ("client", "10.60.1.20", "client"), ("stranger", "10.60.1.21", "stranger"),
    ):  # fmt: skip
        launched = ec2.run_instances(
            ImageId=seeds.DEBIAN_IMAGE,
            InstanceType="t3.medium",
            MinCount=1,
            MaxCount=1,
            UserData=_SERVER if group == "target" else "",
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": subnets[int(address.split(".")[2])],
                    "PrivateIpAddress": address,
                    "Groups": [groups[group]],
                    "AssociatePublicIpAddress": True,
                }
            ],
        )
        stage.machines[name] = launched["Instances"][0]["InstanceId"]


def allow(ec2: Any, group: str, peer: dict[str, Any]) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 6443, "ToPort": 6443} | peer
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def balancer(
    stage: Stage, vpc: str, name: str, scheme: str, subnets: list[str], group: str
) -> tuple[dict[str, Any], str]:
    elb = stage.client("elbv2")
    made = elb.create_load_balancer(
        Name=f"probe-{name}", Type="network", Scheme=scheme, Subnets=subnets, SecurityGroups=[group]
    )["LoadBalancers"][0]
    cross_zone = [{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=made["LoadBalancerArn"], Attributes=cross_zone)
    targets = elb.create_target_group(
        Name=f"probe-{name}", Protocol="TCP", Port=6443, VpcId=vpc, TargetType="ip",
        HealthCheckProtocol="HTTPS", HealthCheckPath="/readyz", Matcher={"HttpCode": "200"},
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=4, HealthyThresholdCount=2, UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    forward = [{"Type": "forward", "TargetGroupArn": targets}]
    elb.create_listener(LoadBalancerArn=made["LoadBalancerArn"], Port=6443, Protocol="TCP", DefaultActions=forward)
    elb.register_targets(TargetGroupArn=targets, Targets=[{"Id": address} for address in TARGETS])
    return made, targets
