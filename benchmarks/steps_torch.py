"""The distillation step of distill_step.py, as a PyTorch loop with torchdistill."""

import argparse

import numpy as np
import torch
from torch import nn
from torchdistill.losses.mid_level import KDLoss

from benchmarks import turns

# As kd_keras.models has them: of pixels in [0, 1].
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Normalize(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        shape = (1, 3, 1, 1)
        self.register_buffer("scale", 1 / (255 * torch.tensor(std).view(shape)))
        self.register_buffer("offset", torch.tensor(mean).div(torch.tensor(std)))
        self.offset = self.offset.view(shape)

    def forward(self, x):
        return x.float() * self.scale - self.offset


class Block(nn.Module):
    """Two convolutions beside a shortcut without weights (He et al., option A)."""

    def __init__(self, channels: int, filters: int):
        super().__init__()
        self.more = filters - channels
        self.stride = 2 if self.more else 1
        self.conv1 = nn.Conv2d(channels, filters, 3, self.stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.more:
            half = self.more // 2
            x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, half))
        return torch.relu(x + y)


def resnet(depth: int, classes: int) -> nn.Module:
    layers = [
        Normalize(MEAN, STD),
        nn.Conv2d(3, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
    ]
    channels = 16
    for filters in (16, 32, 64):
        for _ in range((depth - 2) // 6):
            layers.append(Block(channels, filters))
            channels = filters
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes)]
    return nn.Sequential(*layers)


class ChannelsLast(nn.Module):
    """Flattens in the order of Keras."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def lenet5(classes: int) -> nn.Module:
    layers: list[nn.Module] = [Normalize((0.5,) * 3, (0.5,) * 3)]
    for channels, filters in ((3, 6), (6, 16)):
        layers += [nn.Conv2d(channels, filters, 5), nn.ReLU(), nn.MaxPool2d(2)]
    layers.append(ChannelsLast())
    for inputs, units in ((400, 120), (120, 84)):
        layers += [nn.Linear(inputs, units), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(84, classes))


def build(name: str, classes: int, weights: list[np.ndarray]) -> nn.Module:
    """The model with the weights of the Keras model of that name."""
    if name == "lenet5":
        model = lenet5(classes)
    else:
        model = resnet(int(name.removeprefix("resnet")), classes)
    rest = iter(weights)
    with torch.no_grad():
        for module in model.modules():
            for tensor in _in_order_of_keras(module):
                value = torch.from_numpy(next(rest))
                if isinstance(module, nn.Conv2d) and value.dim() == 4:
                    value = value.permute(3, 2, 0, 1)
                tensor.copy_(value.t() if value.dim() == 2 else value)
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 1e-5
    if list(rest):
        raise ValueError(f"{name} has more weights in Keras than here.")
    return model


def _in_order_of_keras(module: nn.Module) -> list[torch.Tensor]:
    if isinstance(module, nn.BatchNorm2d):
        return [module.weight, module.bias, module.running_mean, module.running_var]
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        return [tensor for tensor in (module.weight, module.bias) if tensor is not None]
    return []


class Loop:
    """Epochs over images in memory."""

    def __init__(
        self, args: argparse.Namespace, data: dict, layout, compiled: bool = False
    ):
        self.args = args
        classes = int(data["classes"])
        self.teacher, self.student = (
            build(
                name, classes, [data[f"{role}{i}"] for i in range(int(data[role]))]
            ).to(memory_format=layout)
            for role, name in (("teacher", args.teacher), ("student", args.student))
        )
        self.teacher.eval().requires_grad_(False)
        if compiled:
            self.teacher.compile()
            self.student.compile()
        self.images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
        self.images = self.images.contiguous(memory_format=layout)
        self.labels = torch.from_numpy(data["labels"])
        self.loss = KDLoss(
            "logits", "output", "logits", "output", args.temperature, 1 - args.alpha
        )
        self.optimizer = torch.optim.SGD(
            self.student.parameters(), lr=args.learning_rate, momentum=0.9
        )
        self.cached: torch.Tensor | None = None

    def fill_cache(self) -> None:
        """Keeps the teacher's logits in memory, for all steps from now on."""
        with torch.no_grad():
            batches = self.images.split(self.args.batch_size)
            self.cached = torch.cat([self.teacher(x) for x in batches])

    def taught(self, rows: torch.Tensor | slice) -> torch.Tensor:
        if self.cached is not None:
            return self.cached[rows]
        with torch.no_grad():
            return self.teacher(self.images[rows])

    def step(self, rows: torch.Tensor | slice) -> tuple[float, float]:
        """Loss and accuracy of one update."""
        x, y = self.images[rows], self.labels[rows]
        taught = self.taught(rows)
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.student(x)
        outputs = ({"logits": {"output": z}} for z in (logits, taught))
        loss = self.loss(*outputs, y)
        loss.backward()
        self.optimizer.step()
        return loss.item(), (logits.argmax(1) == y).float().mean().item()

    def epoch(self) -> None:
        self.student.train()
        order = torch.randperm(len(self.images))
        for rows in order.split(self.args.batch_size):
            self.step(rows)

    def first_loss(self) -> float:
        """Of the first batch, before any update."""
        self.student.train()
        return self.step(slice(self.args.batch_size))[0]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("teacher", "student", "data"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--batch-size", type=int)
    for name in ("temperature", "alpha", "learning-rate"):
        parser.add_argument(f"--{name}", type=float)
    args = parser.parse_args()
    data = np.load(args.data, allow_pickle=False)
    torch.manual_seed(0)
    contiguous = Loop(args, data, torch.contiguous_format)
    channels_last = Loop(args, data, torch.channels_last)
    compiled = Loop(args, data, torch.channels_last, compiled=True)
    cached = Loop(args, data, torch.channels_last)
    cached.fill_cache()
    turns.serve(
        {
            "loss": contiguous.first_loss,
            "version": lambda: torch.__version__,
            "torch": contiguous.epoch,
            "torch, channels last": channels_last.epoch,
            "torch, channels last, compiled": compiled.epoch,
            "torch, channels last, cached": cached.epoch,
        }
    )


if __name__ == "__main__":
    main()
