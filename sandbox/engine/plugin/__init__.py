"""What every resource plugin shares: properties on the wire, differences between them, and the server."""
