"""Economics: what strategies cost to build, to ask and to keep, and which one to take under constraints."""
