#!/usr/bin/env python3
"""What a second thread gains a training step, beside what it gains a matrix product.

    cargo build --release
    python3 benches/engine.py [--alternations 7]

One thread and two take turns in one sitting, and the fastest of each are divided. Two threads can do no better than the
same blocks of a plain product on the same threads, which share next to nothing: that is the second column.
"""

import argparse
import json
import subprocess
from pathlib import Path

WORK = {
    "mlp:784-100-10": (100, "sgd"),
    "mlp:784-256-128-10": (100, "adamw"),
    "mlp:784-1000-1000-10": (100, "adamw"),
    "article-cnn": (64, "adam"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=Path(__file__).parents[1] / "target/release/wdtop", type=Path)
    parser.add_argument("--alternations", default=7, type=int)
    parser.add_argument("--threads", default=2, type=int)
    options = parser.parse_args()

    print(f"| {options.threads} threads over one | steps | product | steps ÷ product |\n|---|---|---|---|")
    for model in WORK:
        turns = alternate(options, model, [1, options.threads])
        gains = []
        for what in ["steps_per_second", "peak_gflops"]:
            one, more = (max(result[what] for result in results) for results in turns)
            gains.append(more / one)
        print(f"| `{model}` | {gains[0]:.2f} | {gains[1]:.2f} | {gains[0] / gains[1]:.2f} |", flush=True)


def alternate(options, model, numbers):
    """The results for each number of threads, which take turns."""
    turns = [[] for _ in numbers]
    for _ in range(options.alternations):
        for threads, results in zip(numbers, turns):
            results.append(measure(options.binary, model, threads))
    return turns


def measure(binary, model, threads):
    batch, optimizer = WORK[model]
    command = [binary, "bench", "--model", model, "--batch", str(batch), "--optimizer", optimizer, "--json"]
    command += ["--threads", str(threads), "--rounds", "3"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


if __name__ == "__main__":
    main()
