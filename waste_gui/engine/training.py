"""train: the epochs. The loop reads from top to bottom; what it calls stands below it or in its own file."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import torch
from torch import Tensor

from waste_gui.config import ConfigError, RunConfig, dump, load
from waste_gui.dataset.resized import resized_size
from waste_gui.dataset.samples import Sample
from waste_gui.dataset.split import save_split
from waste_gui.engine import checkpoint
from waste_gui.engine.augment import STRENGTHS, Phase, training_view
from waste_gui.engine.checkpoint import BEST, LAST, CheckpointInfo, Progress
from waste_gui.engine.context import Context, StageReport
from waste_gui.engine.course import Course, Schedule
from waste_gui.engine.errors import StopRequested, UnusableDataset, WrongCheckpoint
from waste_gui.engine.evaluation import Evaluation, evaluate, finite, save_results
from waste_gui.engine.head_training import TrainedHead, train_head
from waste_gui.engine.loading import Batch, batches_of, training_order
from waste_gui.engine.optimisation import WeightAverage, baseline, make_loss, make_optimizer
from waste_gui.engine.room import Part, Room, all_or_nothing
from waste_gui.engine.saving import Saver
from waste_gui.engine.startup import VAL_BATCH_FACTOR, Prepared, phase_of
from waste_gui.engine.tuning import keep_early_blocks, keep_norms
from waste_gui.files import write_atomically
from waste_gui.protocol import Baseline, EpochFinished, Metric, Timing, Warned
from waste_gui.rundir import RunDir

METRIC_EVERY_S = 0.1
MOST_VIEWS = 16


@dataclass
class Outcome:
    """What training came to; `best` is the evaluation of the best epoch. Of the epoch that is open, `photos`
    are trained on; gradients of `gathered` ones, since the photo `began`, wait for the next of the
    optimizer's `updates`."""

    epoch: int = 0
    step: int = 0
    photos: int = 0
    gathered: int = 0
    weight: float = 0.0
    began: int = 0
    updates: int = 0
    best: Evaluation | None = None
    best_epoch: int = 0
    best_accuracy: float | None = None
    train_loss: float = math.nan
    val_accuracy: float = math.nan
    val_loss: float = math.nan


@dataclass(frozen=True)
class Learnt:
    """Of some photos: their mean loss, which weighs `share` in that of their batch, and how many of them were
    right (scalars on the device); they are `photos` of its photos (a fraction)."""

    loss: Tensor
    share: float
    right: Tensor
    photos: float
    copy_s: float


class Trainer:
    """The parts of one training run that change together."""

    def __init__(
        self,
        config: RunConfig,
        prepared: Prepared,
        context: Context,
        folder: RunDir,
        to_keep: RunConfig | None = None,
    ) -> None:
        """`to_keep` are the settings as they stand in the run's folder: those asked for."""
        self.to_keep = to_keep or config
        self.config, self.prepared, self.context, self.folder = config, prepared, context, folder
        self.model, self.spec, self.device = prepared.model, prepared.spec, prepared.device
        labels = [sample.label for sample in prepared.split.train]
        self.loss_function = make_loss(config, labels, len(prepared.classes), self.device)
        weights = self.loss_function.weight
        self.class_weights: list[float] | None = None if weights is None else weights.tolist()
        if config.tune == "head_then_all":
            keep_early_blocks(self.model)
        self.optimizer = make_optimizer(config, self.model, self.device)
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        self.val_batches = batches_of(prepared.split.val, config.batch_size * VAL_BATCH_FACTOR)
        self.course = Course(config, len(prepared.split.train), prepared.least_batch)
        self.room = Room(
            self.device,
            "training",
            context.report,
            least=self.course.least,
            per_update=self.course.per_update,
        )
        self.val_room = Room(self.device, "validation", context.report)
        self.schedule = Schedule(self.optimizer, self.course)
        self.average = WeightAverage(self.model, config.ema_decay) if config.ema_decay else None
        self.meter = Meter(context)
        self.outcome = Outcome()
        self.saver = Saver(context, folder, self.begin_folder)

    @property
    def evaluated(self) -> torch.nn.Module:
        """What is validated and saved to predict with."""
        return self.average.model if self.average else self.model

    def begin_folder(self) -> None:
        """What stands in the run's folder before training. Raises OSError."""
        write_atomically(self.folder.config, dump(self.to_keep))
        save_split(self.folder.split, self.prepared.split, self.prepared.classes)

    def train_batches(self, epoch: int, begin: int) -> list[Sequence[Sample]]:
        """Those of the epoch from its photo `begin` on."""
        balanced = self.config.balance == "sampler"
        order = training_order(self.prepared.split.train, epoch, self.config.seed, balanced)
        return self.course.batches(order, begin)

    @property
    def is_done(self) -> bool:
        """The head alone was trained, just now."""
        return self.config.tune == "head" and self.outcome.best is not None

    def begin_with_head(self) -> None:
        """The last layer first, on embeddings; then the model as it stands is the best so far, and what a
        resumed run goes on from. Raises StopRequested, TooManyFailures."""
        began = self.context.worked_s()
        head = train_head(self.config, self.prepared, self.context)
        if self.average:
            self.average = WeightAverage(self.model, self.config.ema_decay)
        if self.config.tune == "head":
            self.finish_head(head, began)
            return
        self.take(head.evaluation, 0)
        with self.context.stage("save") as stage:
            self.save(BEST)
            self.save_results(head.evaluation)
            self.save(LAST)
            stage.summary = "the last layer is trained; now all layers are"

    def finish_head(self, head: TrainedHead, began: float) -> None:
        """A training whose one step was the regression."""
        with self.context.stage("train", 1, "steps") as stage:
            self.context.report(self.baseline())
            self.outcome.step, self.outcome.train_loss = 1, head.fit.loss
            self.context.report(
                Metric(
                    step=1,
                    epoch=1,
                    values={"loss": finite(head.fit.loss), "accuracy": finite(head.fit.accuracy)},
                    timing=Timing(wait_s=0.0, copy_s=0.0, compute_s=0.0),
                    images_per_s=0.0,
                )
            )
            stage.progress(1, f"the last layer, decay {head.fit.decay:g}")
            self.finish_epoch(1, head.evaluation, began)
            self.saver.wait_for_room()
            stage.summary = self.summary()

    def steps_left(self) -> int:
        epochs = self.course.epochs - self.outcome.epoch
        return (
            self.course.steps(self.outcome.photos) + (epochs - 1) * self.course.steps() if epochs > 0 else 0
        )

    def baseline(self) -> Baseline:
        split = self.prepared.split
        train, val = ([s.label for s in part] for part in (split.train, split.val))
        return baseline(self.config, train, val, len(self.prepared.classes))

    def phase(self, epoch: int) -> Phase:
        return phase_of(self.config, self.model, self.spec, epoch)

    def reading_plan(self) -> Iterator[Sequence[Sample]]:
        """Every batch that is still to come, in the order of its use, so that reading never waits for an
        epoch's end."""
        first, begin = self.outcome.epoch + 1, self.outcome.photos
        for epoch in range(first, self.course.epochs + 1):
            yield from self.train_batches(epoch, begin if epoch == first else 0)
            yield from self.val_batches

    def train(self) -> Outcome:
        """All epochs, or fewer on request. Raises StopRequested after saving, TooManyFailures."""
        total = self.outcome.step + self.steps_left()
        with self.context.stage("train", total, "steps") as stage:
            self.context.report(self.baseline())
            stage.progress(self.outcome.step)
            self.say_if_nothing_is_left()
            batches = self.prepared.loader.load(self.reading_plan(), lambda n: self.tell_of_reading(stage, n))
            try:
                for epoch in range(self.outcome.epoch + 1, self.course.epochs + 1):
                    self.train_epoch(epoch, batches, stage)
                    if self.context.stop_at_epoch_end:
                        raise StopRequested("Stopped at the end of the epoch, as asked.")
                    if self.should_stop_early():
                        break
                self.saver.wait_for_room()
            except StopRequested:
                self.saver.try_again()
                if self.outcome.step:
                    self.save(LAST)
                raise
            finally:
                batches.close()
            stage.summary = self.summary()
        return self.outcome

    def say_if_nothing_is_left(self) -> None:
        done, asked = self.outcome.epoch, self.course.epochs
        if done >= asked:
            text = f"{done} epochs are trained already, and {asked} were asked for: nothing is left to train."
            self.context.report(Warned(text=text, hint="Ask for more epochs to go on."))

    def summary(self) -> str:
        done, best = self.outcome, self.outcome.best_accuracy
        right = (
            "none validated" if best is None else f"best {100 * best:.1f} % of the validation photos right"
        )
        if self.config.tune == "head":
            return f"the last layer, {right}"
        which = f"epoch {done.best_epoch}" if done.best_epoch else "the last layer alone"
        of_best = f" ({which})" if best is not None else ""
        return f"{done.epoch} of {max(done.epoch, self.course.epochs)} epochs, {right}{of_best}"

    def train_epoch(self, epoch: int, batches: Iterator[Batch], stage: StageReport) -> None:
        began = self.context.worked_s()
        self.model.train()
        if self.config.tune == "head_then_all":
            keep_norms(self.model)
        phase, done = self.phase(epoch), self.outcome
        plan = self.train_batches(epoch, done.photos)
        first = self.course.steps() - len(plan)
        for number, batch in enumerate(self.context.awaited(islice(batches, len(plan))), 1):
            asked = plan[number - 1]
            begin, done.photos = done.photos, done.photos + len(asked)
            done.step += 1
            if len(batch.samples) < self.course.least:  # The others could not be read.
                continue
            words = f"epoch {epoch} of {self.course.epochs}, step {first + number} of {first + len(plan)}"
            self.context.heart.does(f"training, {words}")
            step_began, copy_s = time.perf_counter(), 0.0
            for view in range(phase.views):
                self.begin_update(epoch, begin, phase)
                learn = partial(self.learn, batch, asked, phase.size, view)
                learnt = self.room.parts(len(batch.samples), learn)
                done.gathered += len(asked)
                done.weight += self.weigh(asked)
                last = number == len(plan) and view == phase.views - 1
                if done.gathered >= self.course.per_update or last:
                    self.step_optimizer()
                copy_s += sum(each.copy_s for each in learnt)
                if view == 0:  # What is shown is of photos that were not seen in this epoch before.
                    shown = mean_of(learnt)

            timing = (batch.wait_s, copy_s, time.perf_counter() - step_began - copy_s)
            lr = self.optimizer.param_groups[0]["lr"]
            self.meter.add(done.step, epoch, *shown, lr, len(batch.samples), timing)
            stage.progress(done.step, words)
            if self.context.save_asked or self.saver.due(self.config.save_minutes):
                self.context.save_asked = False
                self.save(LAST)
            self.context.obey()
        if done.gathered:  # The last batch was none.
            self.begin_update(epoch, done.began, phase)
            self.step_optimizer()
        if plan and not done.updates:
            raise UnusableDataset(
                f"Not one of the {len(plan)} batches of the epoch could be trained: too few of their photos "
                "can be read.",
                "Check the photos; failures.csv in the run folder lists those that cannot be read.",
            )
        self.outcome.train_loss = self.meter.epoch_mean()
        self.finish_epoch(epoch, self.validate(batches), began)

    def learn(self, batch: Batch, asked: Sequence[Sample], size: int, view: int, part: Part) -> Learnt:
        """Gradients of a batch, or of the part of it that there is room for: all of them, or none."""
        began = time.perf_counter()
        resized_images = batch.resized_BHWC[part.slice].to(self.device.device, non_blocking=True)
        labels = batch.labels_B[part.slice].to(self.device.device, non_blocking=True)
        copied = time.perf_counter()
        images = self.augmented(resized_images, size, view, part)
        with self.device.compute():
            logits = self.model(images).float()
        loss = self.loss_function(logits, labels)
        share = 1.0 if part.is_whole else self.weigh(batch.samples[part.slice]) / self.weigh(batch.samples)
        right = (logits.detach().argmax(1) == labels).float().mean()
        self.gather(loss, share * self.weigh(asked))
        return Learnt(loss.detach(), share, right, part.photos / part.of, copied - began)

    def begin_update(self, epoch: int, photo: int, phase: Phase) -> None:
        """The learning rate is that of the update's first photo, however many batches it takes."""
        if not self.outcome.gathered:
            self.outcome.began = photo
        seen = (epoch - 1) * self.course.photos + self.outcome.began
        self.schedule.set(seen, self.course.per_update / phase.views)

    def gather(self, loss: Tensor, weight: float) -> None:
        """The gradients of some photos' mean loss, which weighs as much as they do in an update's mean."""
        share = weight / self.course.per_update
        with all_or_nothing(self.trained):
            (loss if share == 1 else loss * share).backward()  # type: ignore[no-untyped-call]

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Each photo 1, or what its class weighs in the loss."""
        if self.class_weights is None:
            return float(len(samples))
        return sum(self.class_weights[sample.label] for sample in samples)

    def augmented(self, resized_BHWC: Tensor, size: int, view: int, part: Part) -> Tensor:
        """A view of a batch's part, the same in every run of this seed, however it was parted."""
        seed = (self.config.seed * 1_000_003 + self.outcome.step) * MOST_VIEWS + view
        generator = torch.Generator().manual_seed(seed % 2**63)
        images = training_view(resized_BHWC, self.spec, size, STRENGTHS[self.config.augment], generator, part)
        return images.contiguous(memory_format=torch.channels_last)

    def step_optimizer(self) -> None:
        """Apply the gradients that were gathered, as the mean of their photos, and let the average follow."""
        scale = self.course.per_update / self.outcome.weight
        if abs(scale - 1) > 1e-9:
            scale_gradients(self.model, scale)
        if self.config.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.outcome.gathered, self.outcome.weight = 0, 0.0
        self.outcome.updates += 1
        if self.average:
            self.average.update(self.model, self.outcome.updates)

    def take(self, evaluation: Evaluation, epoch: int) -> bool:
        """Whether that epoch is the best so far."""
        accuracy, best = finite(evaluation.accuracy), self.outcome.best_accuracy
        better = best is None or (accuracy is not None and accuracy > best) or self.saver.is_lost(BEST)
        self.outcome.epoch, self.outcome.photos = epoch, 0
        self.outcome.val_accuracy, self.outcome.val_loss = evaluation.accuracy, evaluation.loss
        if better:
            self.outcome.best, self.outcome.best_epoch = evaluation, epoch
            self.outcome.best_accuracy = accuracy
        return better

    def save_results(self, evaluation: Evaluation) -> None:
        if evaluation.samples:
            classes = self.prepared.classes
            self.saver.write("results", lambda: save_results(self.folder, evaluation, classes))

    def finish_epoch(self, epoch: int, evaluation: Evaluation, began: float) -> None:
        """Keep the best, save, and say so."""
        better = self.take(evaluation, epoch)
        self.meter.begin_epoch()
        with self.context.stage("save") as stage:
            if better:
                self.save(BEST)
                self.save_results(evaluation)
            saved = self.save(LAST)
            where = f"epoch {epoch} in {LAST}.safetensors" if saved else f"epoch {epoch} could not be saved"
            stage.summary = where + (", the best so far" if better else "")
        self.context.report(
            EpochFinished(
                epoch=epoch,
                step=self.outcome.step,
                train_loss=finite(self.outcome.train_loss),
                val_loss=finite(evaluation.loss),
                val_accuracy=finite(evaluation.accuracy),
                elapsed_s=round(self.context.worked_s() - began, 3),
                best=better,
                most_predicted=evaluation.most_predicted(self.prepared.classes),
            )
        )

    def validate(self, batches: Iterator[Batch]) -> Evaluation:
        photos = len(self.prepared.split.val)
        with self.context.stage("validate", photos, "photos") as stage:
            own = self.context.awaited(islice(batches, len(self.val_batches)))
            evaluation = evaluate(self.evaluated, self.spec, self.device, own, self.val_room, stage.progress)
            stage.summary = evaluation.in_words()
        if not evaluation.samples:
            text = "Not one validation photo can be read, so nobody knows how good the model is."
            self.context.report(Warned(text=text, hint="Look at the photos, or their drive."))
        return evaluation

    def should_stop_early(self) -> bool:
        waited = self.outcome.epoch - self.outcome.best_epoch
        return 0 < self.config.patience <= waited

    def restore(self) -> None:
        """Go on where the run's last checkpoint was made, or begin where it made none; WrongCheckpoint if it
        is of another model, or damaged."""
        if not checkpoint.has_last(self.folder):
            words = "The run had not saved anything yet: it begins from its start."
            self.context.report(Warned(text=words))
            return
        path = self.folder.checkpoints / f"{LAST}.safetensors"
        info, tensors = checkpoint.load_last(self.folder, self.context.report)
        if info.spec != self.spec:
            raise WrongCheckpoint(
                f"The checkpoint {path} is of {info.spec.name} for {len(info.spec.classes)} classes at "
                f"{info.spec.image_size} px, not of this run's {self.spec.name}.",
                "Resume with the settings and photos of its own run.",
            )
        trained = "raw" if any(name.startswith("raw.") for name in tensors) else "model"
        checkpoint.fill(self.model, trained, tensors, path)
        if self.average:
            checkpoint.fill(self.average.model, "model", tensors, path)
        checkpoint.restore_optimizer(self.optimizer, tensors)
        checkpoint.restore_gradients(self.model, tensors)
        checkpoint.restore_random(tensors)
        self.go_on_from(info.progress)

    def go_on_from(self, known: Progress) -> None:
        """At the same photo, whatever the settings were then."""
        done, before = self.outcome, self.settings_before()
        done.epoch, done.step, done.updates = known.epoch, known.step, known.updates
        self.room.at_once = known.at_once
        done.best_epoch, done.best_accuracy = known.best_epoch, known.best_accuracy
        self.meter.epoch_loss = math.nan if known.epoch_loss is None else known.epoch_loss
        self.meter.epoch_steps = known.epoch_steps
        if known.photos is None:  # Of before photos were counted.
            done.photos = known.batches * before.batch_size
            done.gathered = known.accumulated * before.batch_size
            done.weight, done.began = float(done.gathered), max(0, done.photos - done.gathered)
            per_update = before.batch_size * before.accumulate
        else:
            done.photos, done.gathered = known.photos, known.gathered
            done.weight, done.began, per_update = known.weight, known.began, known.per_update
        if known.of_photos not in (0, self.course.photos):  # Other photos: about as far in the epoch.
            done.photos = done.photos * self.course.photos // known.of_photos
        done.photos = min(done.photos, self.course.photos)
        if done.gathered and per_update != self.course.per_update:
            scale_gradients(self.model, per_update / self.course.per_update)

    def settings_before(self) -> RunConfig:
        try:
            return load(self.folder.config)
        except ConfigError:
            return self.config

    def save(self, name: str) -> bool:
        """`last`: all that goes on from here. `best`: only what predicts. Whether it is on disk now."""
        tensors = checkpoint.tensors_of("model", self.evaluated)
        if name == LAST:
            tensors |= checkpoint.optimizer_tensors(self.optimizer)
            tensors |= checkpoint.tensors_of("raw", self.model) if self.average else {}
            tensors |= checkpoint.gradient_tensors(self.model) | checkpoint.random_tensors()
        self.meter.say(self.context.report.now())
        done = self.outcome
        progress = Progress(
            epoch=done.epoch,
            step=done.step,
            val_accuracy=finite(done.val_accuracy),
            val_loss=finite(done.val_loss),
            best_accuracy=done.best_accuracy,
            best_epoch=done.best_epoch,
            photos=done.photos,
            of_photos=self.course.photos,
            gathered=done.gathered,
            weight=done.weight,
            per_update=self.course.per_update,
            began=done.began,
            updates=done.updates,
            epoch_loss=finite(self.meter.epoch_loss),
            epoch_steps=self.meter.epoch_steps,
            at_once=self.room.at_once,
        )
        info = CheckpointInfo(
            spec=self.spec, resized_size=resized_size(self.spec.image_size), progress=progress
        )
        again = (lambda: self.save(LAST)) if name == LAST else None
        return self.saver.save(name, info, tensors, again)

    def tell_of_reading(self, stage: StageReport, photos: int) -> None:
        """While a batch is waited for, its photos are the progress."""
        stage.progress(self.outcome.step, f"waiting for photos, {photos} of {self.config.batch_size} here")


@dataclass
class Meter:
    """Averages steps into at most ten `metric` messages a second, losing nothing."""

    context: Context
    losses: list[Tensor] = field(default_factory=list)
    rights: list[Tensor] = field(default_factory=list)
    photos: int = 0
    times: list[tuple[float, float, float]] = field(default_factory=list)
    said_at: float = 0.0
    epoch_loss: float = 0.0
    epoch_steps: int = 0
    warned: bool = False
    last: tuple[int, int, float] = (0, 0, 0.0)

    def add(
        self,
        step: int,
        epoch: int,
        loss: Tensor,
        right: Tensor,
        lr: float,
        photos: int,
        timing: tuple[float, float, float],
    ) -> None:
        """One step: its loss and share right (scalars on the device), its (wait, copy, compute) seconds."""
        self.losses.append(loss)
        self.rights.append(right)
        self.times.append(timing)
        self.photos += photos
        self.last = (step, epoch, lr)
        now = self.context.report.now()
        if now - self.said_at >= METRIC_EVERY_S:
            self.say(now)

    def say(self, now: float) -> None:
        if not self.losses:
            return
        loss = (
            torch.stack(self.losses).mean().item()
        )  # .item() waits for the GPU: at most ten times a second.
        right = torch.stack(self.rights).mean().item()
        steps = len(self.losses)
        wait, copy, compute = (sum(t[i] for t in self.times) / steps for i in range(3))
        spent = max(1e-6, (wait + copy + compute) * steps)
        step, epoch, lr = self.last
        self.context.report(
            Metric(
                step=step,
                epoch=epoch,
                values={"loss": finite(loss), "accuracy": right, "lr": lr},
                timing=Timing(wait_s=wait, copy_s=copy, compute_s=compute),
                images_per_s=round(self.photos / spent, 2),
            )
        )
        if not math.isfinite(loss) and not self.warned:
            self.warned = True
            self.context.report(
                Warned(
                    text=f"The loss is no longer a number since step {step}.",
                    hint="Training goes on but will not learn; a smaller learning rate usually helps.",
                )
            )
        self.epoch_loss += loss * steps
        self.epoch_steps += steps
        self.losses, self.rights, self.times, self.photos, self.said_at = [], [], [], 0, now

    def epoch_mean(self) -> float:
        """The epoch's mean loss."""
        self.say(self.context.report.now())
        return self.epoch_loss / self.epoch_steps if self.epoch_steps else math.nan

    def begin_epoch(self) -> None:
        self.epoch_loss, self.epoch_steps = 0.0, 0


def mean_of(parts: Sequence[Learnt]) -> tuple[Tensor, Tensor]:
    """Loss and share right of the batch."""
    if len(parts) == 1:
        return parts[0].loss, parts[0].right
    loss = torch.stack([each.loss * each.share for each in parts]).sum()
    return loss, torch.stack([each.right * each.photos for each in parts]).sum()


def scale_gradients(model: torch.nn.Module, scale: float) -> None:
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    torch._foreach_mul_(gradients, scale)
