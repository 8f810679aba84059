"""URLs of the tutorial: none, since the benchmarks use its socket only."""

urlpatterns: list = []
