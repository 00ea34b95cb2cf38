#!/usr/bin/env python3
"""What recording costs: steps a second of `article-mlp` bare, recorded, and recorded with the terminal open.

    cargo build --release
    python3 benches/recording/cost.py [--rounds 15] [--epochs 20] [--recipe article-mlp]

The three take turns, so that a machine that gets slower or faster meanwhile does so for all of them; the medians of
their speeds and of the rounds' ratios are printed as a Markdown table. The speed is the run's own: its steps through
its wall time, evaluations included, loading and leaving not.
"""

import argparse
import fcntl
import json
import os
import pty
import select
import shutil
import statistics
import struct
import subprocess
import tempfile
import termios
import time
from pathlib import Path

KINDS = ["bare", "recorded", "recorded, terminal open"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=Path(__file__).parents[2] / "target/release/wdtop", type=Path)
    parser.add_argument("--rounds", default=15, type=int)
    parser.add_argument("--epochs", default=20, type=int)
    parser.add_argument("--recipe", default="article-mlp")
    options = parser.parse_args()
    speeds = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as home:
        for turn in range(options.rounds):
            # Another one first in each round.
            for kind in KINDS[turn % 3:] + KINDS[:turn % 3]:
                speeds[kind].append(measure(kind, options, Path(home)))
            print(f"round {turn + 1}: " + ", ".join(f"{kind} {speeds[kind][-1]:.0f}/s" for kind in KINDS), flush=True)
    print(f"\n| `{options.recipe}`, {options.rounds} rounds | steps/s, median | less than bare, median of the rounds |")
    print("|---|---|---|")
    for kind in KINDS:
        less = statistics.median(1 - own / bare for own, bare in zip(speeds[kind], speeds["bare"]))
        print(f"| {kind} | {statistics.median(speeds[kind]):.0f} | {100 * less:.1f} % |")


def measure(kind, options, home):
    """Steps a second of one run."""
    session = home / "run.wdtop"
    common = [options.binary, "train", options.recipe, "--epochs", str(options.epochs), "--pace", "0"]
    if kind == "recorded, terminal open":
        summary = on_a_terminal([*common, "--record", session], session)
    else:
        record = ["--no-record"] if kind == "bare" else ["--record", session]
        run = subprocess.run([*common, "--json", "--every", "0", *record], capture_output=True, check=True)
        summary = json.loads(run.stdout.splitlines()[-1])
    shutil.rmtree(session, ignore_errors=True)
    return summary["steps"] / summary["seconds"]


def on_a_terminal(arguments, session):
    """Runs a program in a terminal of 120 by 40 that takes all it is sent, and presses q when the run is over."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(arguments[0], [str(argument) for argument in arguments])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    summary, pressed, begin = None, False, time.monotonic()
    look_at = begin + 0.5
    while True:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            try:
                if not os.read(terminal, 1 << 16):
                    break
            except OSError:  # the program has left
                break
        elif time.monotonic() - begin > 600:
            raise SystemExit("the run does not end")
        if summary is None and time.monotonic() >= look_at:
            # One look in a while: reading must cost the run nothing.
            look_at = time.monotonic() + 0.5
            summary = finished(session)
        if summary and not pressed:
            os.write(terminal, b"q")
            pressed = True
    os.waitpid(child, 0)
    os.close(terminal)
    return summary or finished(session)


def finished(session):
    """The run's last event, where it is there."""
    try:
        lines = (session / "events.jsonl").read_bytes().splitlines()
        event = json.loads(lines[-1])
    except (OSError, IndexError, ValueError):
        return None
    return event if event.get("event") == "finished" else None


if __name__ == "__main__":
    main()
