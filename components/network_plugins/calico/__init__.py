"""Calico: pod network over VXLAN (UDP 4789), and network policies. Pure."""
