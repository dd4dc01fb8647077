"""Network load balancers: haproxy in the region's namespace, told by the account and telling it targets' health."""
