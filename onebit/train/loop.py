"""The one training loop of all networks: seeded, resumable exactly, chosen by validation.

Every random number of an epoch comes from a generator seeded by (seed, epoch), and the rate is a
function of the step, so a checkpoint needs neither generator states nor a scheduler.
"""

from __future__ import annotations

import copy
import io
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from onebit import system
from onebit.data import Dataset
from onebit.errors import ConfigError
from onebit.recipe import Recipe
from onebit.train.augment import augmented
from onebit.train.network import build, inputs

CHECKPOINT_VERSION = 1
EVALUATION_BATCH = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What one pass over the training images came to; accuracies are fractions."""

    epoch: int  # counts from 1
    epochs: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


Progress = Callable[[Epoch], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Images as float [N, C, H, W] of raw values and their classes, on the training device."""

    images: Tensor
    labels: Tensor


@dataclass(slots=True, kw_only=True)
class State:
    """All that changes while training."""

    model: nn.Sequential
    optimiser: torch.optim.Optimizer
    best: dict[str, Tensor]
    curve: list[Epoch]


def checkpoint_path(out: Path, network: str) -> Path:
    """Where the training of `network` under `out` keeps its state."""
    return out / "train" / network / "checkpoint.pt"


def fit(
    recipe: Recipe,
    dataset: Dataset,
    checkpoint: Path,
    *,
    epochs: int,
    resume: bool = True,
    progress: Progress = lambda epoch: None,
) -> State:
    """Train to the end, from `checkpoint` where there is one and `resume` says so.

    `checkpoint` is replaced after every epoch, whole or not at all. Returns the state with the
    weights of the best epoch in its model.
    """
    torch.set_num_threads(1)  # sums are taken in the same order on every machine; small layers
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    learn, validate = split(dataset, recipe.training.validation, recipe.seed, device)
    state = start(recipe, dataset, device)
    if resume and checkpoint.is_file():
        restore(state, checkpoint, recipe, epochs)
    for epoch in range(len(state.curve), epochs):
        began = time.monotonic()
        loss, accuracy = run_epoch(recipe, state, learn, epoch, epochs)
        validation = evaluate(recipe, state.model, validate)
        best = max((row.validation_accuracy for row in state.curve), default=-1.0)
        if validation[1] >= best:  # of equals the later, which has learnt longer
            state.best = copy.deepcopy(state.model.state_dict())
        row = Epoch(
            epoch=epoch + 1,
            epochs=epochs,
            train_loss=round(loss, 5),
            train_accuracy=round(accuracy, 5),
            validation_loss=round(validation[0], 5),
            validation_accuracy=round(validation[1], 5),
            seconds=round(time.monotonic() - began, 3),
        )
        state.curve.append(row)
        save(state, checkpoint, recipe, epochs)
        progress(row)
    state.model.load_state_dict(state.best)
    state.model.eval()
    return state


def start(recipe: Recipe, dataset: Dataset, device: torch.device) -> State:
    """The state before the first epoch."""
    height, width, channels = dataset.train.images.shape[1:]
    model = build(recipe, (channels, height, width), len(dataset.classes)).to(device)
    return State(
        model=model,
        optimiser=torch.optim.Adam(model.parameters(), lr=recipe.training.rate, fused=True),
        best={},
        curve=[],
    )


def split(
    dataset: Dataset, fraction: float, seed: int, device: torch.device
) -> tuple[Samples, Samples]:
    """The training images as (those that teach, those that choose the model), seeded."""
    order = np.random.default_rng(seed).permutation(len(dataset.train.labels))
    count = max(1, round(fraction * len(order)))

    def samples(which: np.ndarray[Any, np.dtype[np.int64]]) -> Samples:
        images = torch.from_numpy(dataset.train.images[which]).permute(0, 3, 1, 2)
        return Samples(
            images=images.contiguous().float().to(device),
            labels=torch.from_numpy(dataset.train.labels[which]).to(device),
        )

    return samples(order[count:]), samples(order[:count])


def rate_at(progress: float, peak: float, warmup: float) -> float:
    """One cycle: a cosine from peak/25 up to `peak` at `warmup`, then one down to zero."""
    if progress < warmup:
        share = (1 - math.cos(math.pi * progress / warmup)) / 2
        return peak * (0.04 + 0.96 * share)
    return peak * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


def run_epoch(
    recipe: Recipe, state: State, learn: Samples, epoch: int, epochs: int
) -> tuple[float, float]:
    """One pass over the images in `learn`; returns (mean loss, accuracy) as seen on the way."""
    how = recipe.training
    generator = torch.Generator().manual_seed((recipe.seed << 20) + epoch)
    order = torch.randperm(len(learn.labels), generator=generator).to(learn.labels.device)
    batches = [batch for batch in order.split(how.batch) if len(batch) > 1]  # batch-norm needs two
    state.model.train()
    total = torch.zeros(2, device=learn.labels.device)
    for index, batch in enumerate(batches):
        labels = learn.labels[batch]
        images = augmented(learn.images[batch], how.augment, generator)
        logits = state.model(inputs(recipe, images))
        loss = cross_entropy(logits, labels, label_smoothing=how.smoothing)
        for group in state.optimiser.param_groups:
            group["lr"] = rate_at((epoch + index / len(batches)) / epochs, how.rate, how.warmup)
        state.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimiser.step()
        right = (logits.detach().argmax(1) == labels).sum()
        total += torch.stack([loss.detach() * len(batch), right])
    loss_sum, right_sum = total.tolist()
    seen = sum(map(len, batches))
    return loss_sum / seen, right_sum / seen


@torch.no_grad()
def evaluate(recipe: Recipe, model: nn.Module, chosen: Samples) -> tuple[float, float]:
    """(mean cross-entropy, accuracy) of `model` on images as they are."""
    model.eval()
    logits = torch.cat(
        [model(inputs(recipe, images)) for images in chosen.images.split(EVALUATION_BATCH)]
    )
    right = (logits.argmax(1) == chosen.labels).float().mean()
    return float(cross_entropy(logits, chosen.labels)), float(right)


def save(state: State, checkpoint: Path, recipe: Recipe, epochs: int) -> None:
    """Replace `checkpoint` by the state."""
    content = io.BytesIO()
    torch.save(
        {
            "version": CHECKPOINT_VERSION,
            "recipe": recipe.digest,
            "epochs": epochs,
            "model": state.model.state_dict(),
            "optimiser": state.optimiser.state_dict(),
            "best": state.best,
            "curve": [asdict(row) for row in state.curve],
        },
        content,
    )
    system.write_bytes(checkpoint, content.getvalue())


def restore(state: State, checkpoint: Path, recipe: Recipe, epochs: int) -> None:
    """Bring `state` to where `checkpoint` left off; ConfigError if that was another training."""
    hint = "start again with --fresh, or train into another folder with --out"
    try:
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        started = (saved["version"], saved["recipe"], saved["epochs"])
    except Exception as reason:  # torch.load raises a dozen unrelated types on a damaged file
        raise ConfigError(f"cannot read the checkpoint {str(checkpoint)!r}", hint=hint) from reason
    if started != (CHECKPOINT_VERSION, recipe.digest, epochs):
        raise ConfigError(
            f"the checkpoint {str(checkpoint)!r} was written for {started[2]} epochs of recipe "
            f"{started[1][:12]}; now it is {epochs} epochs of recipe {recipe.digest[:12]}",
            hint=hint,
        )
    state.model.load_state_dict(saved["model"])
    state.optimiser.load_state_dict(saved["optimiser"])
    state.best = saved["best"]
    state.curve = [Epoch(**row) for row in saved["curve"]]
