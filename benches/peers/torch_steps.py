"""Time PyTorch's training steps on the CPU, as `wdtop bench` times its own.

    python benches/peers/torch_steps.py --model mlp:784-100-10 --batch 100 --optimizer sgd --threads 2
    python benches/peers/torch_steps.py --model article-cnn --batch 64 --optimizer adam --threads 2

Prints one JSON object with the keys of `wdtop bench --json`. What a user of PyTorch could choose for speed is tried,
and the fastest reported: the plain and the fused optimizer, and for images both memory layouts.

Full telemetry is less than what wdtop computes in a step: the norm of every parameter and of every gradient, and the
loss and the number of correct predictions read back. Needs torch.
"""

import argparse
import json
import re
import statistics
import time

import torch
from torch import nn

SAMPLES = 12_000
ROUND_SECONDS = 0.5
FEWEST_STEPS = 5
OPTIMIZERS = {
    "sgd": lambda params, fused: torch.optim.SGD(params, lr=1e-2, weight_decay=1e-3, fused=fused),
    "adam": lambda params, fused: torch.optim.Adam(params, lr=1e-3, weight_decay=1e-4, fused=fused),
    "adamw": lambda params, fused: torch.optim.AdamW(params, lr=1e-3, weight_decay=1e-2, fused=fused),
}


def build(model):
    """The network, the shape of its samples, and the memory layouts that there are for it."""
    if model == "article-cnn":
        network = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(64 * 7 * 7, 10),
        )
        return network, (3, 28, 28), (torch.contiguous_format, torch.channels_last)
    if not re.fullmatch(r"mlp:\d+(-\d+)+", model):
        raise SystemExit(f"model must be article-cnn or like mlp:784-256-128-10, got {model}")
    sizes = [int(size) for size in model.removeprefix("mlp:").split("-")]
    layers = []
    for before, after in zip(sizes, sizes[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1]), (sizes[0],), (torch.contiguous_format,)


class Batches:
    """Full batches in a random order, a new one each epoch."""

    def __init__(self, inputs, targets, batch):
        self.inputs, self.targets, self.batch = inputs, targets, batch
        self.order, self.at = None, 0

    def next(self):
        if self.order is None or self.at + self.batch > len(self.inputs):
            self.order, self.at = torch.randperm(len(self.inputs)), 0
        pick = self.order[self.at : self.at + self.batch]
        self.at += self.batch
        return self.inputs[pick], self.targets[pick]


def time_rounds(network, optimizer, batches, telemetry, rounds):
    """Seconds per step of each round."""
    loss_of = nn.CrossEntropyLoss()
    params = list(network.parameters())

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            inputs, targets = batches.next()
            optimizer.zero_grad()
            logits = network(inputs)
            loss = loss_of(logits, targets)
            loss.backward()
            if telemetry == "full":
                torch._foreach_norm(params)
                torch._foreach_norm([param.grad for param in params])
                (logits.argmax(1) == targets).sum().item()
                loss.item()
            optimizer.step()
        return (time.perf_counter() - start) / steps

    run(FEWEST_STEPS)
    steps = max(FEWEST_STEPS, int(ROUND_SECONDS / run(FEWEST_STEPS)))
    return [run(steps) for _ in range(rounds)]


def main():
    parser = argparse.ArgumentParser(description="Time PyTorch's training steps on the CPU.")
    parser.add_argument("--model", default="mlp:784-256-128-10", help="article-cnn, or like mlp:784-256-128-10")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adamw")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--telemetry", choices=["full", "off"], default="full")
    parser.add_argument("--rounds", type=int, default=5, help="of half a second each, for each variant")
    args = parser.parse_args()
    if not 1 <= args.batch <= SAMPLES or args.threads < 1 or args.rounds < 1:
        raise SystemExit(f"batch must be from 1 to {SAMPLES}, threads and rounds at least 1")

    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    best = None
    for fused in (False, True):
        for layout in build(args.model)[2]:
            network, shape, _ = build(args.model)
            network = network.to(memory_format=layout)
            inputs = torch.rand(SAMPLES, *shape)
            if len(shape) == 3:
                inputs = inputs.to(memory_format=layout)
            targets = torch.randint(0, network[-1].out_features, (SAMPLES,))
            optimizer = OPTIMIZERS[args.optimizer](network.parameters(), fused)
            seconds = time_rounds(network, optimizer, Batches(inputs, targets, args.batch), args.telemetry, args.rounds)
            if best is None or min(seconds) < min(best[0]):
                best = (seconds, f"{'fused' if fused else 'plain'} optimizer, {str(layout).removeprefix('torch.')}")
    seconds, variant = best
    print(json.dumps({
        "program": f"pytorch {torch.__version__}",
        "variant": variant,
        "model": args.model,
        "batch": args.batch,
        "optimizer": args.optimizer,
        "threads": args.threads,
        "telemetry": args.telemetry,
        "seconds_per_step": min(seconds),
        "median_seconds_per_step": statistics.median(seconds),
        "steps_per_second": 1 / min(seconds),
        "samples_per_second": args.batch / min(seconds),
    }))


if __name__ == "__main__":
    main()
