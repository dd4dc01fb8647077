"""The programs that the sandbox is made of, built from Go modules into a cache."""
