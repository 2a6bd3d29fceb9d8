"""`python -m tests.torture`: kill processes for as long as it takes, and tell what was lost, doubled or damaged."""

from __future__ import annotations

import argparse
import random
import sys

from tests.torture.campaign import Plan, run


def main() -> int:
    """Run a campaign; return 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many processes are killed")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=None, help="of every random choice; default: a new one")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"{given.kills} kills on {given.database}, seed {seed}", flush=True)
    report = run(Plan(kills=given.kills, seed=seed, on_postgresql=given.database == "postgresql"))
    print("\n".join(report.lines()), flush=True)
    return int(bool(report.faults))


if __name__ == "__main__":
    sys.exit(main())
