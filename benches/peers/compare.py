"""Compare the speed of wdtop's training steps with PyTorch's, in one sitting.

    cargo build --release
    python benches/peers/compare.py --threads 2
    python benches/peers/compare.py --threads 1 --work mlp:784-100-10 100 sgd --alternations 9

The two programs take turns at the same number of threads, so that a machine whose speed changes from minute to minute
changes both. A cell is the fastest round of all turns, the median of the turns' medians behind it; the ratio is minimum
over minimum. Prints a Markdown table, and its progress on standard error. PyTorch is that of the Python that runs this
script, unless --python names another.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
WORK = [
    ("mlp:784-100-10", 100, "sgd"),
    ("mlp:784-256-128-10", 100, "adamw"),
    ("mlp:784-1000-1000-10", 100, "adamw"),
    ("article-cnn", 64, "adam"),
]


def measure(command, work, args):
    """One program's turn: seconds per step, fastest and median."""
    model, batch, optimizer = work
    options = ["--model", model, "--batch", str(batch), "--optimizer", optimizer]
    options += ["--threads", str(args.threads), "--telemetry", args.telemetry, "--rounds", str(args.rounds)]
    done = subprocess.run(command + options, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command + options)} failed with code {done.returncode}")
    result = json.loads(done.stdout)
    return result["seconds_per_step"], result["median_seconds_per_step"]


def alternate(programs, work, args):
    """For each program its fastest round and the median of its medians."""
    turns = {name: [] for name in programs}
    for turn in range(args.alternations):
        for name, command in programs.items():
            turns[name].append(measure(command, work, args))
            fastest = 1e6 * turns[name][-1][0]
            print(f"{work[0]}, turn {turn + 1} of {args.alternations}: {name} {fastest:.1f} µs", file=sys.stderr)
    return [
        (min(fastest for fastest, _ in turns[name]), statistics.median(median for _, median in turns[name]))
        for name in programs
    ]


def show(seconds):
    return f"{1e3 * seconds:.2f} ms" if seconds >= 1e-2 else f"{1e6 * seconds:.0f} µs"


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number


def main():
    parser = argparse.ArgumentParser(description="Compare the speed of wdtop's training steps with PyTorch's.")
    parser.add_argument("--work", nargs=3, action="append", metavar=("MODEL", "BATCH", "OPTIMIZER"))
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--telemetry", choices=["full", "off"], default="full")
    parser.add_argument("--alternations", type=positive, default=5)
    parser.add_argument("--rounds", type=positive, default=3, help="of half a second each, in a turn")
    parser.add_argument("--wdtop", default=str(HERE.parents[1] / "target" / "release" / "wdtop"))
    parser.add_argument("--python", default=sys.executable)
    args = parser.parse_args()

    programs = {
        "wdtop": [args.wdtop, "bench", "--json"],
        "PyTorch": [args.python, str(HERE / "torch_steps.py")],
    }
    print(f"| {args.threads} thread{'s' if args.threads > 1 else ''}, telemetry {args.telemetry} | wdtop | (median) "
          "| PyTorch | (median) | ratio | (of medians) |")
    print("|---|---|---|---|---|---|---|")
    for work in args.work or WORK:
        (own, own_median), (peer, peer_median) = alternate(programs, work, args)
        model, batch, optimizer = work
        cells = [f"`{model}`, batch {batch}, {optimizer}", show(own), show(own_median), show(peer), show(peer_median)]
        cells += [f"{peer / own:.2f} ×", f"{peer_median / own_median:.2f} ×"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
