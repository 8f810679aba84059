"""The official Channels tutorial's project (part 3, asynchronous), as small as it can be served."""
