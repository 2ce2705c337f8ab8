"""How many people, trials and pictures a study needs: `python -m analysis.power`, from any directory.

The edge: reads arguments, prints a table or, with `--json`, what the study editor reads. The simulation is in
`planning`. Half-widths and differences are in percentage points in the table, proportions in JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.observers import Observers

FORMAT = 1


class PlanError(ValueError):
    """Arguments that describe no study: one sentence, what was expected and what came."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analysis.power",
        description="Half-widths of intervals and power of a planned study, by simulation with this package's "
        "own intervals. Every combination of the numbers given is tried.",
    )
    parser.add_argument("--people", type=int, nargs="+", default=[15, 30, 60], metavar="N")
    parser.add_argument("--trials", type=int, nargs="+", default=[660], metavar="N", help="trials a person")
    parser.add_argument("--images", type=int, nargs="+", default=[1000], metavar="N", help="a source")
    parser.add_argument(
        "--exposures", type=int, nargs="+", metavar="MS", help="presentation times, in milliseconds"
    )
    parser.add_argument(
        "--curve", action="append", default=[], metavar="SOURCE=FIRST:LAST",
        help="share judged real at the shortest and the longest time, of a typical person for a typical picture; "
        "again for each source; replaces the built-in four",
    )  # fmt: skip
    parser.add_argument(
        "--weight", action="append", default=[], metavar="SOURCE=W",
        help="share of the trials that a source gets, of any sum; again for each source (default: all alike)",
    )  # fmt: skip
    parser.add_argument(
        "--images-of", action="append", default=[], metavar="SOURCE=N",
        help="images of one source, where they are not those of --images; again for others",
    )  # fmt: skip
    parser.add_argument("--difference", nargs=2, metavar="SOURCE", help="the two sources to tell apart")
    for name, default, what in (
        ("person", 0.55, "between people"),
        ("person-source", 0.3, "between people, by source"),
        ("image", 1.0, "between images"),
    ):
        parser.add_argument(
            f"--{name}-sd", type=float, default=default, metavar="SD",
            help=f"standard deviation {what}, in logits (default {default}, typical of public data)",
        )  # fmt: skip
    parser.add_argument("--replications", type=int, default=200, metavar="N", help="simulated studies each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--stop-at", type=float, metavar="POINTS",
        help="try rules for stopping: by this half-width of the difference, looking every --every people",
    )  # fmt: skip
    parser.add_argument("--every", type=int, default=5, metavar="N", help="people between two looks")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    return parser


def curves(options: argparse.Namespace) -> dict[str, tuple[float, ...]]:
    """Sources with their shares at both ends. Raises PlanError."""
    from analysis.observers import CURVES

    found: dict[str, tuple[float, ...]] = {}
    for text in options.curve:
        name, _, ends = text.partition("=")
        try:
            first, last = (float(end) for end in ends.split(":"))
        except ValueError:
            raise PlanError(f"--curve {text}: expected SOURCE=FIRST:LAST, such as gan=0.3:0.08") from None
        if not name or not (0 < first < 1 and 0 < last < 1):
            raise PlanError(f"--curve {text}: expected a name and two shares between 0 and 1")
        found[name] = (first, last)
    if len(found) == 1:
        raise PlanError("--curve: expected two sources at least, got one; give it again for the other")
    return found or dict(CURVES)


def numbers(flag: str, texts: list[str], kind: type[float] | type[int]) -> dict[str, Any]:
    """Sources with a number each, as `--weight` and `--images-of` have them. Raises PlanError."""
    found = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            found[name] = kind(number)
        except ValueError:
            raise PlanError(f"{flag} {text}: expected SOURCE=NUMBER, such as real=3") from None
    return found


def difference(options: argparse.Namespace, sources: list[str]) -> tuple[str, str]:
    """The sources to tell apart: those asked for, or the last two. Raises PlanError."""
    first, second = options.difference or reversed(sources[-2:])
    for name in (first, second):
        if name not in sources:
            raise PlanError(f"--difference: expected two of {', '.join(sources)}, got {name!r}")
    if first == second:
        raise PlanError(f"--difference: expected two sources, got {first} twice")
    return first, second


def designs(options: argparse.Namespace) -> Iterator[Observers]:
    """The designs asked for. Raises PlanError for one that cannot be."""
    from analysis.observers import EXPOSURES_MS, Observers

    exposures_ms = tuple(sorted(options.exposures or EXPOSURES_MS))
    if exposures_ms[0] < 1 or len(set(exposures_ms)) < len(exposures_ms):
        raise PlanError("--exposures: expected different times of at least 1 ms")
    weights = numbers("--weight", options.weight, float)
    images_of = numbers("--images-of", options.images_of, int)
    for people, trials, images in product(options.people, options.trials, options.images):
        try:
            yield Observers(
                people, trials, images, options.person_sd, options.person_source_sd, options.image_sd,
                curves(options), exposures_ms, weights=weights, images=images_of,
            )  # fmt: skip
        except ValueError as error:
            raise PlanError(f"{people} people x {trials} trials, {images} images: {error}") from None


def planned(observers: Observers, options: argparse.Namespace) -> dict[str, Any]:
    """What the JSON says of one design."""
    from analysis.planning import measures, stopping

    pair = difference(options, list(observers.curves))
    found = measures(observers, pair, replications=options.replications, seed=options.seed)
    said: dict[str, Any] = {
        "people": observers.n_people,
        "trials": observers.n_trials,
        "images_per_source": observers.images_per_source,
        "sources": [
            {"source": name, "trials": float(trials), "images": int(images)}
            for name, trials, images in zip(
                observers.curves, observers.trials_of_sources, observers.images_of_sources, strict=True
            )
        ],
        "difference": list(pair),
        "quantities": [{**asdict(each), "detectable": each.detectable} for each in found],
    }
    if options.stop_at is not None:
        rules = {
            kind: stopping(
                observers, pair, half_width=options.stop_at / 100, first=max(2, options.every), every=options.every,
                replications=options.replications, seed=options.seed, is_null=kind == "nothing_there",
            )
            for kind in ("as_planned", "nothing_there")
        }  # fmt: skip
        said["stopping"] = {kind: [asdict(each) for each in ends] for kind, ends in rules.items()}
    return said


def without_nan(value: Any) -> Any:
    """The same document with null where a number is not known."""
    if isinstance(value, dict):
        return {name: without_nan(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def as_text(design: dict[str, Any]) -> str:
    """One design as a table; numbers after +- are Monte Carlo standard errors."""
    lines = [
        f"{design['people']} people x {design['trials']} trials, {of_sources(design['sources'])}",
        f"  {'':<26}{'half-width':>16}{'coverage %':>16}{'power %':>16}{'80 % power at':>15}",
    ]
    for row in design["quantities"]:
        is_difference = not math.isnan(row["found"])
        lines.append(
            f"  {row['quantity']:<26}{with_error(row, 'half_width'):>16}{with_error(row, 'coverage'):>16}"
            + (f"{with_error(row, 'found'):>16}{100 * row['detectable']:>15.1f}" if is_difference else "")
        )
    truth = next(row["truth"] for row in design["quantities"] if row["quantity"] == "difference over times")
    first, second = design["difference"]
    lines.append(f"  in percentage points; difference: {first} minus {second}, truly {100 * truth:.1f}")
    for kind, ends in design.get("stopping", {}).items():
        lines.append(f"  stopping, {kind.replace('_', ' ')}:")
        lines += [
            f"    {end['rule']:<14}people {end['people']:6.1f}   stopped early {100 * end['reached']:4.0f} %   "
            f"coverage {with_error(end, 'coverage')}   difference found {with_error(end, 'found')}"
            for end in ends
        ]
    return "\n".join(lines)


def of_sources(sources: list[dict[str, Any]]) -> str:
    """What sources have: images alone where all have as many of everything."""
    if len({(each["trials"], each["images"]) for each in sources}) == 1:
        return f"{sources[0]['images']} images a source"
    return "; ".join(
        f"{each['source']}: {each['trials']:.4g} trials, {each['images']} images" for each in sources
    )


def with_error(row: dict[str, Any], name: str) -> str:
    return f"{100 * row[name]:.1f} +- {100 * row[f'{name}_error']:.1f}"


def main(argv: list[str] | None = None) -> int:
    options = arguments().parse_args(argv)
    said = []
    try:
        for observers in list(designs(options)):  # all checked before the first is tried
            design = planned(observers, options)
            said.append(design)
            if not options.json:
                print(as_text(design), flush=True)
    except ValueError as error:
        print(f"power: {error}", file=sys.stderr)
        return 1
    if options.json:
        document = {
            "format": FORMAT,
            "seed": options.seed,
            "replications": options.replications,
            "sds": {
                "person": options.person_sd,
                "person_source": options.person_source_sd,
                "image": options.image_sd,
            },
            "designs": said,
        }
        print(json.dumps(without_nan(document), indent=1, allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
