# mypy: ignore-errors
"""cloud-init's Ec2 data source where nothing but its place says that this is EC2.

cloud-init takes a data source of this name from the top-level modules before its own. Its own recognises EC2,
and with it that metadata needs a token (IMDSv2), by DMI data, which it does not read in a container.
"""

import cloudinit.sources.DataSourceEc2
from cloudinit import sources


class DataSourceEc2(cloudinit.sources.DataSourceEc2.DataSourceEc2):
    def _get_cloud_name(self):
        return cloudinit.sources.DataSourceEc2.CloudNames.AWS


def get_datasource_list(depends):
    # Not the one for the time before the network is there: it would run a DHCP client.
    return sources.list_from_depends(depends, [(DataSourceEc2, (sources.DEP_FILESYSTEM, sources.DEP_NETWORK))])
