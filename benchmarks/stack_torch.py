"""The students of stack.py as an ensemble in PyTorch: torch.func.vmap over weights."""

import argparse
import functools

import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from benchmarks import turns

EXAMPLES, NUMBERS, WORDS, CLASSES = 26_048, 5, 8, 2
BINS, WIDTH, UNITS = 1_000, 8, 16


class Mlp(nn.Module):
    """As "mlp" of kd_keras: standardized numbers and embedded categories."""

    def __init__(self) -> None:
        super().__init__()
        self.embedded = nn.ParameterList(
            nn.Parameter(torch.randn(BINS, WIDTH) * 0.05) for _ in range(WORDS)
        )
        self.hidden = nn.Linear(NUMBERS + WORDS * WIDTH, UNITS)
        self.logits = nn.Linear(UNITS, CLASSES)

    def forward(self, numbers: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        mean, variance = numbers.mean(0), numbers.var(0, unbiased=False)
        columns = [(numbers - mean) / (variance + 1e-3).sqrt()]
        columns += [weight[words[:, i]] for i, weight in enumerate(self.embedded)]
        return self.logits(torch.relu(self.hidden(torch.cat(columns, 1))))


def loss_of(model, weights, numbers, words, labels, taught, temperature):
    """alpha = 0.5: half hard labels, half KL at the member's temperature."""
    logits = functional_call(model, weights, (numbers, words))
    hard = nn.functional.cross_entropy(logits, labels)
    soft = nn.functional.kl_div(
        torch.log_softmax(logits / temperature, 1),
        torch.softmax(taught / temperature, 1),
        reduction="batchmean",
    )
    return 0.5 * hard + 0.5 * temperature**2 * soft


class Ensemble:
    """Members with weights, order of the data and temperature of their own."""

    def __init__(self, count: int, batch: int):
        self.count, self.batch = count, batch
        models = [Mlp() for _ in range(count)]
        weights, _ = stack_module_state(models)
        self.weights = {name: nn.Parameter(value) for name, value in weights.items()}
        self.optimizer = torch.optim.Adam(self.weights.values(), lr=1e-3, fused=True)
        self.temperatures = torch.arange(count) % 8 + 1.0
        step = functools.partial(loss_of, models[0].to("meta"))
        self.gradients = vmap(grad(step))
        self.numbers = torch.randn(EXAMPLES, NUMBERS)
        self.words = torch.randint(0, 12, (EXAMPLES, WORDS))
        self.labels = torch.randint(0, CLASSES, (EXAMPLES,))
        self.taught = torch.randn(EXAMPLES, CLASSES)

    def epoch(self) -> None:
        order = torch.stack([torch.randperm(EXAMPLES) for _ in range(self.count)])
        for rows in order.split(self.batch, dim=1):
            weights = {name: value.detach() for name, value in self.weights.items()}
            of = (self.numbers, self.words, self.labels, self.taught)
            batches = [value[rows] for value in of]
            found = self.gradients(weights, *batches, self.temperatures)
            for name, value in self.weights.items():
                value.grad = found[name]
            self.optimizer.step()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, nargs="+")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=256)
    given = parser.parse_args()
    torch.manual_seed(0)

    def fit(ensemble: Ensemble) -> None:
        for _ in range(given.epochs):
            ensemble.epoch()

    turns.serve(
        {
            f"torch, {count} together": functools.partial(
                fit, Ensemble(count, given.batch_size)
            )
            for count in given.members
        }
    )


if __name__ == "__main__":
    main()
