"""Benchmarks of Lobby and of other servers. `bin/bench` runs them."""
