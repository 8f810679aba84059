"""Project of the official Channels tutorial (part 3, asynchronous), reduced to what it needs to serve."""
