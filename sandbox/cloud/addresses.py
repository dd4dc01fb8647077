"""The addresses of the sandbox's own, outside any VPC. All from ranges that the internet never routes."""

NAMESPACE = "quorate"
"""Network namespace that holds the region: every machine's link, the firewall, metadata, DNS, the internet."""

OPERATOR_ADDRESS = "203.0.113.1"
"""The host, as machines see it (TEST-NET-3)."""
OPERATOR_GATEWAY = "203.0.113.2"
PUBLIC_POOL = "198.51.100.0/24"
"""Elastic and automatic public addresses (TEST-NET-2)."""
INTERNET_ADDRESS = "192.0.2.1"
"""Everything that machines reach outside the VPC, AWS's own endpoints included (TEST-NET-1)."""
STORAGE_ADDRESS = "192.0.2.3"
"""S3, which a subnet can reach by a gateway endpoint without reaching the rest of the internet."""
METADATA_ADDRESS = "169.254.169.254"
RESOLVER_ADDRESS = "169.254.169.253"

HOST_LINK = "quorate0"
OPERATOR_LINK = "operator"
"""The region's end of that link."""
MTU = 9001
"""Bytes; the size of jumbo frames in a VPC."""
