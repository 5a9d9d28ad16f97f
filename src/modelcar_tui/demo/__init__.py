"""The demo's outside world: servers on loopback that speak the real protocols.

The run itself takes the same code paths as any other; only the addresses differ, and every screen says DEMO.
"""
