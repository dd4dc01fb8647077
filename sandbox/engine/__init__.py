"""What the Pulumi engine talks to: the language host and the plugins."""
