"""Side-by-side measurements: `bin/bench fanout`, `bin/bench send`, `bin/bench history`."""
