"""Fast small clients for load, crashes and benchmarks: raw sockets, own signatures, no retries.

Real clients are in tests/protocol; these here are for knowing exactly what was answered.
"""
