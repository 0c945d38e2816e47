"""Train all networks on a cohort in order, resumably, and evaluate them on unseen cases."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..analysis.pipeline import Pipeline
from ..cohort.listing import CohortCase
from ..errors import InputError
from ..models.folder import find_models
from ..models.model_file import read_model
from ..scans.labels import Label
from ..scans.writing import write_json
from ..tasks import TASKS
from .cache import cord_counts, ignore_cord
from .card import write_card
from .choosing import MOST_FALSE, freeze
from .initial import Initial, choose_initial
from .jobs import Job, train_jobs
from .loop import choose_device
from .outlining import outline_cases, with_outlines
from .patients import check_diagnoses, list_cases, make_notice
from .plan import (
    TrainingPlan,
    check_disk,
    choose_settings,
    device_name,
    disk_bytes,
    look_at,
    measure_steps,
    memory_in_use,
)
from .predicting import predict_rounds
from .rounds import Round, cases_for, classifier_targets, make_halves, make_rounds
from .settings import PIXEL_MM, SEGMENTATION, START
from .splitting import TRAIN, VALIDATION
from .trainer import About, prepare_for
from .validating import cut_of_rounds, limits_of_rounds

WHOLE_SCANS = 1.5
"""Time of a training with its validation, relative to its steps alone."""


@dataclass(frozen=True)
class TrainedSet:
    """Results of `train_all`.

    Attributes
    ----------
    out : Path
        The folder of models.
    models : list of Path
        One per role, or one per role and fold.
    predictions : Path
        Run folder of the validation cases; with folds, of all patients.
    card : Path
        The model card.
    plan : TrainingPlan
    """

    out: Path
    models: list[Path]
    predictions: Path
    card: Path
    plan: TrainingPlan


@dataclass(frozen=True)
class TrainingOptions:
    """Options of `train_all`.

    Parameters
    ----------
    folds : int or None, default None
        Number of folds by patient, stratified by diagnosis and site; None: the cohort's splits, or
        drawn ones.
    init : str, default "shipped"
        Weights to start from: "shipped", "none", or a folder of models.
    outlines : bool, default True
        Whether classifiers also learn from outlines of the segmentation network on unseen cases,
        besides the manual ones.
    most_false : float, default 0.1
        Largest allowed share of scans without lesion in which one is found, for the limits.
    flips : tuple of str, default ()
        Test-time flips to store in the model files; see ``preprocessing.flips``.
    jobs : int, default 1
        Number of simultaneous trainings.
    client : distributed.Client, optional
        A Dask cluster for the trainings.
    lesion_label : int, str or mapping, optional
        As for `spinalcord.classify`.
    progress : bool, default False
    """

    folds: int | None = None
    init: str = "shipped"
    outlines: bool = True
    most_false: float = MOST_FALSE
    flips: tuple[str, ...] = ()
    jobs: int = 1
    client: Any = None
    lesion_label: Label = None
    progress: bool = False


def train_all(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    options: TrainingOptions | None = None,
    given: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    plan_only: bool = False,
    say: Callable[[str], None] | None = None,
) -> TrainedSet | TrainingPlan:
    """Train the segmentation and the three tasks on a cohort.

    Finished steps are kept: the same call resumes an interrupted training.

    Parameters
    ----------
    data : path
        The cohort; see `spinalcord.training.patients.list_cases`.
    out : path
        Folder for the models; made if absent.
    options : TrainingOptions, optional
    given : mapping, optional
        Fields of `Settings` for every network, in place of those that the plan would choose.
    columns, words : mapping, optional
        As for `spinalcord.CohortInputs`.
    plan_only : bool, default False
        Whether to make the plan without training.
    say : callable, optional
        Called with the plan, and with a sentence for each step.

    Returns
    -------
    TrainedSet, or TrainingPlan where `plan_only`

    Raises
    ------
    InputError
        As `list_cases`; an option or setting out of range; a folder of another cohort or other
        settings; too little room on the disk.
    ModelError
        A model to start from is damaged.
    """
    own, kept, told = options or TrainingOptions(), dict(given or {}), say or (lambda _: None)
    work = _Work(Path(data), Path(out), own, kept, told)
    work.list_rounds(columns, words)
    plan = work.make_plan()
    told(plan.text())
    if plan_only:
        return plan
    work.claim()
    return work.run()


@dataclass
class _Work:
    """Steps of the training and the places of their files."""

    data: Path
    out: Path
    options: TrainingOptions
    given: dict[str, Any]
    say: Callable[[str], None]
    cases: list[CohortCase] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    halves: list[Round] = field(default_factory=list)

    plan: TrainingPlan = field(init=False)
    origin: str = ""

    @property
    def work(self) -> Path:
        """Folder of everything but the models, predictions and the card."""
        return self.out / "work"

    def list_rounds(self, columns: Any, words: Any) -> None:
        """List the cases and make the rounds."""
        seed, name = int(self.given.get("seed") or 0), self.data.resolve().name
        self.cases, self.origin = list_cases(
            self.data, SEGMENTATION, seed=seed, columns=columns, words=words
        )
        check_diagnoses(self.cases, START, name)
        self.rounds = make_rounds(self.cases, self.options.folds, seed)
        if self.options.folds is None and self.options.outlines:
            self.halves = make_halves(self.rounds[0], seed)

    def make_plan(self) -> TrainingPlan:
        """Choose the settings that are not given, and estimate time, memory and disk space."""
        name = self.data.resolve().name
        classifiers, not_trained = classifier_targets(self.rounds, name)
        targets = (SEGMENTATION, *classifiers)
        geometry = look_at(
            self.cases,
            seed=int(self.given.get("seed") or 0),
            lesion_label=self.options.lesion_label,
        )
        n_train = max(len(r.of(TRAIN)) for r in self.rounds)
        settings, decisions = choose_settings(
            geometry, n_train, self.given, folds=self.options.folds is not None
        )
        first, each, n = settings[SEGMENTATION], {}, len(self.rounds)
        for target in (SEGMENTATION, *classifiers[:1]):
            each[target] = measure_steps(settings[target], target)
        steps = {t: settings[t].epochs * (settings[t].steps or 1) for t in targets}
        work = {t: n * steps[t] for t in targets}
        work[SEGMENTATION] += len(self.halves) * steps[SEGMENTATION] // 2
        apiece = {t: each.get(t, each.get(classifiers[0]) if classifiers else 0.0) for t in targets}
        trainings = len(targets) * n + len(self.halves)
        memory, whose = memory_in_use(choose_device(first)[0])
        self.out.mkdir(parents=True, exist_ok=True)
        diagnoses = Counter(c.diagnosis or "none" for c in self.cases)
        n_trained = {s: sum(c.split == s for c in self.cases) for s in (TRAIN, VALIDATION)}
        facts: dict[str, Any] = {
            "cases": len(self.cases),
            "patients": len({c.participant_id for c in self.cases}),
            "diagnoses": ", ".join(f"{k} {v}" for k, v in sorted(diagnoses.items())),
            "splits": f"{self.options.folds} folds" if self.options.folds else
                      f"{n_trained[TRAIN]} train, {n_trained[VALIDATION]} validate ({self.origin})",
            "trainings": trainings,
            "seconds": WHOLE_SCANS * sum(work[t] * float(apiece[t] or 0) for t in targets),
            "each": ", ".join(f"{t} {s:.2g} s a step" for t, s in each.items()),
            "device": device_name(first),
            "memory_bytes": memory,
            "memory_of": whose,
            "disk_bytes": disk_bytes(
                geometry, first.pixel_mm or PIXEL_MM, len(self.cases), trainings
            ),
            "free_bytes": shutil.disk_usage(self.out).free,
        }  # fmt: skip
        self.plan = TrainingPlan(targets, not_trained, settings, decisions, facts)
        check_disk(facts["disk_bytes"], facts["free_bytes"], self.out)
        return self.plan

    def claim(self) -> None:
        """Claim the folder, or check that it was claimed for the same training."""
        path = self.work / "plan.json"
        rows = [[c.case_id, c.participant_id, c.diagnosis, r.name, c.split]
                for r in (*self.rounds, *self.halves) for c in r.cases]  # fmt: skip
        settings = {t: self.plan.settings[t].fixed() for t in self.plan.targets}
        o = self.options
        mine = {"cases": rows, "settings": settings, "init": o.init, "outlines": o.outlines,
                "most_false": o.most_false, "flips": list(o.flips),
                "lesion_label": o.lesion_label}  # fmt: skip
        if path.is_file():
            was = json.loads(path.read_text(encoding="utf-8"))["for"]
            differ = [key for key in mine if was.get(key) != json.loads(json.dumps(mine[key]))]
            if differ:
                raise InputError(
                    f"{self.out} was started with other {', '.join(differ)}: name another folder, "
                    f"or remove {self.work}"
                )
        elif list(self.out.glob("*.safetensors")):
            raise InputError(f"{self.out} already contains models: choose another folder")
        write_json(path, {"for": mine, "plan": self.plan.to_dict()})

    def run(self) -> TrainedSet:
        """Run all steps that are not finished."""
        initial = choose_initial(self.options.init, self.plan.settings, self.say)
        segmented = self.look_for_cords()
        train_jobs([self.job(SEGMENTATION, r, cases, initial)
                    for r, cases in zip(self.all_rounds, segmented, strict=True)],
                   **self.how)  # fmt: skip
        limits = self.freeze_limits()
        outlined, counts = self.outline(), {}
        trained = {}
        for r in self.rounds:
            trained[r.name], counts[r.name] = with_outlines(r.cases, outlined, VALIDATION)
        if START in self.plan.targets:
            jobs = [self.job(START, r, cases_for(r.cases, START), initial) for r in self.rounds]
            train_jobs(jobs, **self.how)
        tasks = [t for t in self.plan.targets if t in TASKS]
        for task in tasks:
            jobs = []
            for r in self.rounds:
                own = cases_for(trained[r.name], task)
                jobs.append(self.job(task, r, own, initial, {"outlines": counts[r.name]}))
            train_jobs(jobs, **self.how)
        cut = {
            task: cut_of_rounds(
                task, self.rounds, trained, self.files(task), self.plan.settings[task],
                self.work / "cache", lesion_label=self.options.lesion_label, say=self.say,
            )
            for task in tasks
        }  # fmt: skip
        models = self.assemble(tasks, limits, cut)
        predictions = predict_rounds(
            self.rounds, self.work, self.out, complete=len(tasks) == len(TASKS),
            lesion_label=self.options.lesion_label, progress=self.options.progress,
        )  # fmt: skip
        chosen = limits | {task: threshold for task, (threshold, _) in cut.items()}
        notice = make_notice(self.data)
        card = write_card(self.out, predictions, self.plan, self.options.init, notice, chosen)
        self.say(f"models: {self.out}; predictions: {predictions}; model card: {card}")
        return TrainedSet(self.out, models, predictions, card, self.plan)

    def look_for_cords(self) -> list[Sequence[CohortCase]]:
        """Prepare the cases, report in how many the cord is known, and return those of each round.

        The networks of all rounds have the same outputs: if one round has no cord to train on, no
        network learns it.
        """
        entries = prepare_for(
            SEGMENTATION, self.cases, self.plan.settings[SEGMENTATION], self.work / "cache",
            lesion_label=self.options.lesion_label, progress=self.options.progress,
        )  # fmt: skip
        known = {entry.case.case_id for entry in entries if entry.has_cord}
        told = cord_counts(entries)
        if told:
            self.say(told)
        each = [any(c.case_id in known for c in r.of(TRAIN)) for r in self.all_rounds]
        if any(each) and not all(each):
            self.say("the cord is not learned: too few cases for each round to have one")
            return [[ignore_cord(case) for case in r.cases] for r in self.all_rounds]
        return [r.cases for r in self.all_rounds]

    @property
    def all_rounds(self) -> list[Round]:
        """Return the rounds, including those that only outline."""
        return [*self.rounds, *self.halves]

    @property
    def how(self) -> dict[str, Any]:
        """Options of `train_jobs`."""
        o = self.options
        return {"processes": o.jobs, "client": o.client, "progress": o.progress, "say": self.say}

    def job(
        self,
        target: str,
        r: Round,
        cases: Sequence[CohortCase],
        initial: Initial,
        facts: Mapping[str, Any] | None = None,
    ) -> Job:
        """Describe a training."""
        settings = self.plan.settings[target]
        if r in self.halves:
            settings = replace(settings, epochs=max(settings.epochs // 2, 1))
        start = self.path(START, r)
        init, backbone = initial.of(target, start if START in self.plan.targets else None)
        split = self.origin if self.options.folds is None else f"{r.name} of {self.options.folds}"
        about = About(
            self.data.resolve().name, make_notice(self.data), {**(facts or {}), "split": split}
        )
        return Job(
            target, tuple(cases), self.path(target, r), about, settings, init, backbone,
            self.work / "cache", f"{target}, {r.name}", self.options.lesion_label,
        )  # fmt: skip

    def path(self, target: str, r: Round) -> Path:
        """Return where a round's training writes; the start is no model, so lies elsewhere."""
        kind = {SEGMENTATION: "segmentation", START: "start"}.get(target, "tasks")
        return self.work / r.name / kind / f"{target}.safetensors"

    def freeze_limits(self) -> dict[str, float]:
        """Choose the lesion limits on all validation cases, and store them in the files."""
        path = self.work / "limits.json"
        if not path.is_file():
            chosen = limits_of_rounds(
                self.rounds, self.files(SEGMENTATION), most_false=self.options.most_false,
                lesion_label=self.options.lesion_label, say=self.say,
            )  # fmt: skip
            write_json(path, chosen)
        limits: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for r in self.all_rounds:
            freeze(self.path(SEGMENTATION, r), limits)
        return limits

    def files(self, target: str) -> dict[str, Path]:
        """Return a target's model file of every round, by its name."""
        return {r.name: self.path(target, r) for r in self.rounds}

    def outline(self) -> dict[str, CohortCase]:
        """Segment every case with a network that has not seen it."""
        found: dict[str, CohortCase] = {}
        if not self.options.outlines:
            return found
        n = 0
        for r in self.all_rounds:
            pipeline = Pipeline(self.path(SEGMENTATION, r).parent)
            ill = cases_for(r.outlined, START)
            n += len(ill)
            found |= outline_cases(pipeline, ill, self.work / "outlines")
        self.say(
            f"outlines: lesion found in {len(found)} of {n} cases that a classifier learns from"
        )
        return found

    def assemble(
        self, tasks: Sequence[str], limits: Mapping[str, Any], cut: Mapping[str, tuple[float, str]]
    ) -> list[Path]:
        """Write the models of each round, and those of the whole into the folder."""
        n, made = len(self.rounds), []
        for number, r in enumerate(self.rounds, 1):
            for role in (SEGMENTATION, *tasks):
                labels = dict(limits) if role == SEGMENTATION else dict(
                    zip(("threshold", "threshold_from"), cut[role], strict=True))  # fmt: skip
                source, own = self.path(role, r), f"{role}-{number}" if n > 1 else role
                settings: dict[str, Any] = {"name": own}
                if self.options.flips:
                    before = read_model(source).preprocessing
                    known = [f for f in self.options.flips
                             if f != "neighbors" or "context_mm" in before]  # fmt: skip
                    settings["preprocessing"] = {**before, "flips": known}
                freeze(source, labels, self.work / r.name / "models" / f"{role}.safetensors",
                       **settings)  # fmt: skip
                if n > 1:
                    settings["ensemble"] = {"members": n}
                made.append(freeze(source, labels, self.out / f"{own}.safetensors", **settings))
        find_models(self.out)  # rejects members that cannot form an ensemble
        return made
