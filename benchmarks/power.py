"""The seeds that the paper's claims need, from the records of a pilot.

    python -m benchmarks.power runs/pilot --seeds 20

Every claim that the pilot holds is judged again and again on seeds drawn from it, by the tests and at the level that
will judge the study (α shared by the claims of its table): how often so many seeds would decide it, and how many would
in four studies of five. Records that are judged must be of other seeds than the pilot's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from betavae.paper.claims.table import CLAIMS, CONTRIBUTIONS
from betavae.paper.evidence import gathered
from betavae.report.statistics.power import power, seeds_for, spread
from betavae.report.statistics.summary import ALPHA
from betavae.report.statistics.verdicts import least, look_at
from betavae.study.store import Store


def main() -> None:
    """Print a line for each comparison of each claim, as a Markdown table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("stores", nargs="+", type=Path, help="folders of records of the pilot")
    options.add_argument("--seeds", type=int, default=20, help="seeds that are planned (default: 20)")
    options.add_argument("--draws", type=int, default=100, help="studies drawn for each power (default: 100)")
    given = options.parse_args()
    evidence = gathered([Store(path, create=False) for path in given.stores])
    print(f"| claim | pilot's seeds | effect ± sd | at least | power of {given.seeds} | seeds for 80 % |")
    print("|---|--:|---|--:|--:|--:|")
    for family in (CONTRIBUTIONS, CLAIMS):
        tests = sum(claim.orders != 0 for claim in family)
        for claim in family:
            found = look_at(claim, evidence)
            if not found.findings or claim.orders == 0:
                continue
            pilot = claim.gather(evidence)
            fewest = least(claim, tests)
            reached = power(claim, pilot, given.seeds, ALPHA / tests, given.draws)
            needs = seeds_for(claim, pilot, fewest, ALPHA / tests, draws=given.draws)
            effects = "; ".join(f"{mean:+.3f} ± {sd:.3f}" for _, _, mean, sd in spread(pilot))
            n = min(found.sizes) * claim.seeds
            print(f"| {claim.name} | {n} | {effects} | {fewest} | {reached:.2f} | {needs or 'more than 100'} |")


if __name__ == "__main__":
    main()
