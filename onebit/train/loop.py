"""The one training loop of all networks: seeded, resumable exactly on a CPU, chosen by validation.

Every random number of an epoch comes from a generator seeded by (seed, epoch), and the rate is a
function of the step, so a checkpoint needs neither generator states nor a scheduler.
"""

from __future__ import annotations

import copy
import io
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

from onebit import system
from onebit.data import Dataset
from onebit.errors import ConfigError
from onebit.recipe import Recipe
from onebit.train.augment import augmented
from onebit.train.network import BINARY, FLOAT, Parts, build, inputs
from onebit.train.split import Samples, split

CHECKPOINT_VERSION = 2
EVALUATION_BATCH = 512
REESTIMATED = 12_800  # images that batch-norm statistics are taken from


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What one pass over the training images came to; accuracies are fractions."""

    stage: str  # "teacher" or "network"
    epoch: int  # counts from 1
    epochs: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


Progress = Callable[[Epoch], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One training: of the float teacher, or of the network itself."""

    name: str
    parts: Parts
    epochs: int
    rate: float
    checkpoint: Path
    teacher: nn.Module | None = None


@dataclass(slots=True, kw_only=True)
class State:
    """All that changes while training."""

    model: nn.Sequential
    optimiser: torch.optim.Optimizer
    best: dict[str, Tensor]
    curve: list[Epoch]
    teacher: nn.Module | None = None
    taught: tuple[Epoch, ...] = ()  # the teacher's epochs


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

    `checkpoint`, and teacher.pt beside it, are replaced after every epoch, whole or not at all.
    Returns the state with the weights of the epoch that is kept in its model.
    """
    torch.set_num_threads(1)  # sums are taken in the same order on every machine; small layers
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    learn, validate = split(dataset, recipe.training.validation, recipe.seed, device)
    if not resume:
        checkpoint.unlink(missing_ok=True)  # or an interruption would leave it beside a new teacher

    def trained(stage: Stage) -> State:
        state = start(recipe, dataset, device, stage)
        if resume and stage.checkpoint.is_file():
            restore(state, stage, recipe)
        for epoch in range(len(state.curve), stage.epochs):
            row = advance(recipe, stage, state, learn, validate, epoch)
            save(state, stage, recipe)
            progress(row)
        state.model.load_state_dict(state.best)
        state.model.eval()
        return state

    lessons = teaching(recipe, checkpoint, epochs)
    taught = None if lessons is None else trained(lessons)
    own = Stage(
        name="network",
        parts=BINARY,
        epochs=epochs,
        rate=recipe.training.rate,
        checkpoint=checkpoint,
        teacher=None if taught is None else taught.model,
    )
    learn = learn if taught is None else answered(recipe, taught.model, learn)
    state = trained(own)
    done = [] if recipe.training.reestimate != "end" else [state.model]
    if taught is not None:
        state.teacher, state.taught = taught.model, tuple(taught.curve)
        done += [taught.model] if recipe.training.reestimate != "never" else []
    reestimate(recipe, done, learn, validate)
    return state


def teaching(recipe: Recipe, checkpoint: Path, epochs: int) -> Stage | None:
    """The training of the teacher, for at most as many epochs as the network's own."""
    how = recipe.training.teacher
    if how is None:
        return None
    return Stage(
        name="teacher",
        parts=FLOAT,
        epochs=min(how.epochs, epochs),
        rate=how.rate,
        checkpoint=checkpoint.with_name("teacher.pt"),
    )


def start(recipe: Recipe, dataset: Dataset, device: torch.device, stage: Stage) -> State:
    """The state before the first epoch."""
    height, width, channels = dataset.train.images.shape[1:]
    shape = (channels, height, width)
    how = recipe.training.teacher
    if stage.name == "teacher" and how is not None:
        recipe = replace(recipe, layers=how.layers)
    model = build(recipe, shape, len(dataset.classes), stage.parts).to(device)
    return State(
        model=model,
        optimiser=torch.optim.Adam(model.parameters(), lr=stage.rate, fused=True),
        best={},
        curve=[],
    )


def advance(
    recipe: Recipe, stage: Stage, state: State, learn: Samples, validate: Samples, epoch: int
) -> Epoch:
    """One epoch of `stage`, measured; `state` follows."""
    began = time.monotonic()
    loss, accuracy = run_epoch(recipe, stage, state, learn, epoch)
    judged = state.model
    if recipe.training.reestimate == "epoch" and stage.name == "network":
        judged = reestimated(recipe, state.model, learn)
    validation = evaluate(recipe, judged, validate)
    best = max((row.validation_accuracy for row in state.curve), default=-1.0)
    last = recipe.training.keep == "last" and stage.name == "network"
    if last or validation[1] >= best:  # of equals the later, which has learnt longer
        state.best = copy.deepcopy(judged.state_dict())
    row = Epoch(
        stage=stage.name,
        epoch=epoch + 1,
        epochs=stage.epochs,
        train_loss=round(loss, 5),
        train_accuracy=round(accuracy, 5),
        validation_loss=round(validation[0], 5),
        validation_accuracy=round(validation[1], 5),
        seconds=round(time.monotonic() - began, 3),
    )
    state.curve.append(row)
    return row


def rate_at(progress: float, peak: float, warmup: float) -> float:
    """One cycle: a cosine from peak/25 up to `peak` at `warmup`, then one down to zero."""
    if progress < warmup:
        share = (1 - math.cos(math.pi * progress / warmup)) / 2
        return peak * (0.04 + 0.96 * share)
    return peak * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


def run_epoch(
    recipe: Recipe, stage: Stage, state: State, learn: Samples, epoch: int
) -> tuple[float, float]:
    """One pass over the images in `learn`; returns (mean loss, accuracy) as seen on the way."""
    how = recipe.training
    device = learn.labels.device
    generator = torch.Generator().manual_seed((recipe.seed << 20) + epoch)
    passes = [torch.randperm(len(learn.labels), generator=generator) for _ in range(how.passes)]
    order = torch.cat(passes).to(device)
    batches = [batch for batch in order.split(how.batch) if len(batch) > 1]  # batch-norm needs two
    weights = class_weights(learn.labels, how.balance)
    shares = class_weights(learn.labels, how.teacher.balance) if how.teacher else None
    state.model.train()
    total = torch.zeros(2, device=device)
    for index, batch in enumerate(batches):
        labels = learn.labels[batch]
        drawn, known = learn.drawn(batch, generator)
        images = inputs(recipe, augmented(drawn, how.augment, generator))
        with torch.autocast(device.type, torch.bfloat16, enabled=how.precision == "bfloat16"):
            logits = state.model(images).float()
        loss = cross_entropy(logits, labels, weight=weights, label_smoothing=how.smoothing)
        if stage.teacher is not None:
            wanted = answer(recipe, stage.teacher, images) if known is None else known
            counts = None if shares is None else shares[labels]
            loss = distilled(recipe, loss, logits, wanted, counts)
        for group in state.optimiser.param_groups:
            progress = (epoch + index / len(batches)) / stage.epochs
            group["lr"] = rate_at(progress, stage.rate, how.warmup)
        state.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimiser.step()
        right = (logits.detach().argmax(1) == labels).sum()
        total += torch.stack([loss.detach() * len(batch), right])
    loss_sum, right_sum = total.tolist()
    seen = sum(map(len, batches))
    return loss_sum / seen, right_sum / seen


def class_weights(labels: Tensor, balance: float, classes: int = 0) -> Tensor | None:
    """What a class counts in the loss: (mean images of a class / its own) ** `balance`.

    Of the classes up to the last that occurs, or at least of the first `classes`.
    """
    if not balance:
        return None
    counts = torch.bincount(labels, minlength=classes).clamp_(min=1)
    return (counts.float().mean() / counts) ** balance


def distilled(
    recipe: Recipe, loss: Tensor, logits: Tensor, wanted: Tensor, counts: Tensor | None = None
) -> Tensor:
    """`loss` on the labels, blended with how far `logits` are from those `wanted`.

    counts: [n], what each sample counts in that; None where all count the same.
    """
    how = recipe.training.teacher
    assert how is not None
    found = log_softmax(logits / how.temperature, 1)
    target = softmax(wanted / how.temperature, 1)
    if counts is None:
        apart = kl_div(found, target, reduction="batchmean")
    else:
        apart = (kl_div(found, target, reduction="none").sum(1) * counts).sum() / counts.sum()
    # the square keeps the gradient's size, whatever the temperature
    return (1 - how.share) * loss + how.share * how.temperature**2 * apart


@torch.no_grad()
def answer(recipe: Recipe, teacher: nn.Module, images: Tensor) -> Tensor:
    """The logits that `teacher` gives `images`, as the network takes them."""
    half = recipe.training.precision == "bfloat16"
    with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
        logits: Tensor = teacher(images)
    return logits.float()


def answered(recipe: Recipe, teacher: nn.Module, learn: Samples) -> Samples:
    """`learn` with the answers to its versions, where nothing else changes what is drawn."""
    if learn.versions is None or recipe.training.augment.changes:
        return learn
    return replace(learn, answers=answers(recipe, teacher, learn.versions))


def answers(recipe: Recipe, teacher: nn.Module, versions: Tensor) -> Tensor:
    """The logits [V, N, classes] that `teacher` gives `versions` [V, N, C, H, W]."""
    logits = [
        answer(recipe, teacher, inputs(recipe, images.float()))
        for images in versions.flatten(0, 1).split(EVALUATION_BATCH)
    ]
    return torch.cat(logits).unflatten(0, versions.shape[:2])


@torch.no_grad()
def reestimated(recipe: Recipe, model: nn.Sequential, learn: Samples) -> nn.Sequential:
    """`model` with the batch-norm statistics of images as they are, and of its exact sums.

    Those of training come from augmented images, and from sums rounded to bfloat16.
    """
    twin = copy.deepcopy(model).train()
    for layer in twin.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # the plain mean of all batches
    generator = torch.Generator().manual_seed(recipe.seed)
    order = torch.randperm(len(learn.labels), generator=generator).to(learn.labels.device)
    for batch in order[:REESTIMATED].split(EVALUATION_BATCH):
        if len(batch) > 1:
            twin(inputs(recipe, learn.images[batch].float()))
    return twin.eval()


def reestimate(
    recipe: Recipe, models: list[nn.Sequential], learn: Samples, validate: Samples
) -> None:
    """Give each of `models` other batch-norm statistics, unless it is less accurate with them."""
    for model in models:
        keep_if_better(recipe, model, reestimated(recipe, model, learn), validate)


def keep_if_better(
    recipe: Recipe, model: nn.Sequential, other: nn.Sequential, validate: Samples
) -> None:
    """Give `model` the state of `other` unless that is less accurate on `validate`."""
    if evaluate(recipe, other, validate)[1] >= evaluate(recipe, model, validate)[1]:
        model.load_state_dict(other.state_dict())


@torch.no_grad()
def evaluate(recipe: Recipe, model: nn.Module, chosen: Samples) -> tuple[float, float]:
    """(mean cross-entropy, accuracy) of `model` on images as they are; classes count as they do
    in the loss."""
    model.eval()
    logits = torch.cat(
        [model(inputs(recipe, images.float())) for images in chosen.images.split(EVALUATION_BATCH)]
    )
    right = (logits.argmax(1) == chosen.labels).float()
    weights = class_weights(chosen.labels, recipe.training.balance, logits.shape[1])
    loss = float(cross_entropy(logits, chosen.labels, weight=weights))
    if weights is None:
        return loss, float(right.mean())
    counts = weights[chosen.labels]
    return loss, float((right * counts).sum() / counts.sum())


def save(state: State, stage: Stage, recipe: Recipe) -> None:
    """Replace the checkpoint by the state."""
    content = io.BytesIO()
    torch.save(
        {
            "version": CHECKPOINT_VERSION,
            "recipe": recipe.digest,
            "epochs": stage.epochs,
            "model": state.model.state_dict(),
            "optimiser": state.optimiser.state_dict(),
            "best": state.best,
            "curve": [asdict(row) for row in state.curve],
        },
        content,
    )
    system.write_bytes(stage.checkpoint, content.getvalue())


def restore(state: State, stage: Stage, recipe: Recipe) -> None:
    """Bring `state` to where its checkpoint left off; ConfigError if that was another training."""
    checkpoint, epochs = stage.checkpoint, stage.epochs
    hint = "start again with --fresh, or train into another folder with --out"
    try:
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        version, digest, planned = saved["version"], saved["recipe"], saved["epochs"]
    except Exception as reason:  # torch.load raises a dozen unrelated types on a damaged file
        raise ConfigError(f"cannot read the checkpoint {str(checkpoint)!r}", hint=hint) from reason
    if version != CHECKPOINT_VERSION:
        raise ConfigError(
            f"the checkpoint {str(checkpoint)!r} was written by another version of onebit",
            hint=hint,
        )
    if (digest, planned) != (recipe.digest, epochs):
        raise ConfigError(
            f"the checkpoint {str(checkpoint)!r} was written for {planned} epochs of recipe "
            f"{digest[:12]}; now it is {epochs} epochs of recipe {recipe.digest[:12]}",
            hint=hint,
        )
    state.model.load_state_dict(saved["model"])
    state.optimiser.load_state_dict(saved["optimiser"])
    state.best = saved["best"]
    state.curve = [Epoch(**row) for row in saved["curve"]]
