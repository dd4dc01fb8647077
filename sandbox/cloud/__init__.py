"""The account and the region: AWS's API, and the machines, disks, networks and names that it promises."""
