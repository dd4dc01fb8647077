"""Auto Scaling: groups that launch, replace and remove instances, as the account says."""
