"""What the instance metadata service tells a machine of a test: answers of `curl` for a NodeMachine."""

CREDENTIALS = r'{"AccessKeyId": "ASIA1", "SecretAccessKey": "hidden-key", "Token": "hidden-session"}'
METADATA = [
    ("api/token", 0, "metadata-token"),
    ("meta-data/placement/region", 0, "eu-central-1"),
    ("meta-data/instance-id", 0, "i-0abc"),
    ("meta-data/placement/availability-zone", 0, "eu-central-1b"),
]
# The roles' listing and the credentials differ by what follows the slash only.
ROLE = [("security-credentials/nodes", 0, CREDENTIALS), ("security-credentials/", 0, "nodes")]
