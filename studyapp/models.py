"""The tables: images, studies, people, trials, responses and jobs, with the rules about one row.

Stories over several tables live in `catalogue`, `opening`, `sittings`, `jobs` and `export`.
"""

import secrets
import string
from dataclasses import fields
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from studyapp import texts
from studyapp.audit import AuditEntry as AuditEntry  # a table of its own story
from studyapp.exclusions import RuleError, checked_rules
from studyapp.limits import Limited
from studyapp.protocols import PROTOCOLS, DesignError, Settings

# Byte -> letter or digit, each for as many bytes; the few bytes that are left over are thrown away.
LETTERS = ((string.ascii_letters + string.digits) * 4).encode() + bytes(8)
NOT_LETTERS = bytes(range(248, 256))


def token_128() -> str:
    """A random name of 130 bits that tells nothing, not even the order of creation.

    Letters and digits alone: a name that began with a dash would be a formula in a spreadsheet.
    """
    name = ""
    while len(name) < 22:
        name += secrets.token_bytes(40).translate(LETTERS, NOT_LETTERS).decode()
    return name[:22]


def protocol_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(PROTOCOLS)]


class ImageSet(models.Model):
    """Images of one source with where they came from: one zip in the data folder."""

    name = models.SlugField(unique=True, max_length=100)
    source = models.SlugField(max_length=50, help_text="real, gan, lapgan, cc-lapgan or another name")
    is_real = models.BooleanField()
    family = models.CharField(max_length=50, blank=True)
    dataset = models.CharField(max_length=100, blank=True)
    class_names = models.JSONField(default=list, blank=True)
    width_px = models.PositiveIntegerField()
    height_px = models.PositiveIntegerField()
    n_images = models.PositiveIntegerField()
    checkpoint_sha256 = models.CharField(max_length=64, blank=True)
    manifest = models.JSONField(help_text="manifest.json without its list of images")
    provenance = models.CharField(max_length=20, choices=[("manifest", "manifest"), ("imported", "imported")])
    imported_by = models.CharField(max_length=150, blank=True)
    imported_utc = models.DateTimeField(default=timezone.now)
    file = models.CharField(max_length=200, help_text="path below the folder of image sets")
    file_sha256 = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering: ClassVar = ["-imported_utc"]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self):
        return settings.IMAGE_SETS_DIR / self.file


class Image(models.Model):
    """One picture of an image set, known by the SHA-256 of its pixels (RGB8, row-major)."""

    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="images")
    file = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64, db_index=True)
    class_index = models.PositiveIntegerField(null=True, blank=True)
    seed = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["image_set", "file"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["image_set", "file"], name="one_image_per_file"),
        ]

    def __str__(self) -> str:
        return f"{self.image_set}/{self.file}"

    @property
    def class_name(self) -> str:
        names = self.image_set.class_names
        if self.class_index is None or self.class_index >= len(names):
            return ""
        return names[self.class_index]


def default_exposures() -> list[int]:
    """Ten values remembered from the figure's axis of Denton et al. 2015, 1400 filled in."""
    return [50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000]


class Mask(models.TextChoices):
    """What takes a picture's place. The names are those of `mask.js`, which makes the patterns."""

    GRAY = "gray", "plain gray"
    NOISE = "noise", "noise: every picture pixel a colour of its own"
    TEXTURE = "texture", "texture: blotches of all sizes, as in photographs"


def language_choices() -> list[tuple[str, str]]:
    return [(code, str(name)) for code, name in settings.LANGUAGES]


def default_panels() -> dict[str, str]:
    """Recruiting panel -> the URL parameter that carries its id of a person."""
    return {
        "prolific": "PROLIFIC_PID",
        "sona": "survey_code",
        "mturk": "workerId",
        "cloudresearch": "participantId",
    }


TEXT_FIELDS = tuple(field.name for field in fields(texts.StudyTexts))
# A study may leave these out, in all languages.
OPTIONAL_TEXTS = ("eligibility",)


class Keys(models.TextChoices):
    """Which key means a real photo; the other of F and J means a generated picture."""

    BALANCED = "balanced", "counterbalanced: F for one half of the people, J for the other"
    F = "f", "F for all"
    J = "j", "J for all"


class Study(Limited):
    """A design, its texts and, once frozen, its definition and pack of stimuli. How its states follow is `life`."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        PILOTING = "piloting"
        OPEN = "open"
        PAUSED = "paused"
        CLOSED = "closed"
        ARCHIVED = "archived"

    slug = models.SlugField(unique=True, max_length=60)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, default=texts.description)
    eligibility = models.TextField(
        "who can take part", blank=True, help_text="shown on the first page; empty: nothing is said"
    )
    organiser = models.CharField(max_length=200, blank=True, help_text="who runs it, shown to participants")
    contact = models.CharField(max_length=200, blank=True, help_text="how participants reach them")
    status = models.CharField(
        max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False, db_index=True
    )

    protocol = models.CharField(max_length=50, choices=protocol_choices, default="timed-yes-no")
    exposures_ms = models.JSONField(
        default=default_exposures,
        blank=True,
        help_text="durations, in milliseconds; none with an untimed protocol, whose pictures stay until the answer",
    )
    n_trials = models.PositiveIntegerField("trials a sitting", default=220)
    practice_trials = models.PositiveIntegerField(default=10)
    practice_feedback = models.BooleanField(
        "feedback in practice",
        default=False,
        help_text="after each practice trial the page says which it was; never in the test",
    )
    catch_trials = models.PositiveIntegerField(
        default=0,
        help_text="trials whose answer is obvious, in between; exported as catch and in no figure",
    )
    keys = models.CharField("key for real photos", max_length=10, choices=Keys.choices, default=Keys.BALANCED)
    n_examples = models.PositiveIntegerField(
        "real examples", default=24, help_text="real pictures looked at before the test, never used in it"
    )
    break_every = models.PositiveIntegerField("trials between breaks", default=110)
    size_css_px = models.PositiveIntegerField(
        "picture size (CSS px)", default=256, validators=[MinValueValidator(16), MaxValueValidator(1024)]
    )
    size_deg = models.FloatField(
        "picture size (degrees)",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.2), MaxValueValidator(30)],
        help_text="of visual angle; participants then hold a bank card to the screen; empty: CSS px",
    )
    smoothing = models.BooleanField("smooth enlargement", default=False)
    mask_kind = models.CharField("mask", max_length=10, choices=Mask.choices, default=Mask.GRAY)
    mask_ms = models.PositiveIntegerField(
        "mask for (ms)",
        null=True,
        blank=True,
        validators=[MinValueValidator(10), MaxValueValidator(5000)],
        help_text="then plain gray until the answer; empty: the mask stays until the answer",
    )
    mask_gray = models.CharField(
        max_length=7,
        default="#808080",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", "expected a colour such as #808080")],
    )
    fixation_ms = models.PositiveIntegerField("fixation cross (ms)", default=500)
    blank_ms = models.PositiveIntegerField("blank before the picture (ms)", default=200)
    repeat_percent = models.PositiveIntegerField(
        "repeats at most (%)",
        default=10,
        validators=[MaxValueValidator(100)],
        help_text="of the trials: those shown for a wrong time or interrupted are asked again, up to this share",
    )
    least_refresh_hz = models.PositiveIntegerField(
        "slowest screen (Hz)",
        default=40,
        validators=[MinValueValidator(10), MaxValueValidator(1000)],
        help_text="laptops that save power show 48 or 40 frames a second: there 50 ms are 2 of them, at 30 only 1",
    )
    most_refresh_hz = models.PositiveIntegerField(
        "fastest screen (Hz)", default=500, validators=[MinValueValidator(10), MaxValueValidator(1000)]
    )
    most_jank_percent = models.PositiveIntegerField(
        "frames missed at most (%)",
        default=30,
        validators=[MaxValueValidator(100)],
        help_text="in the two seconds of the screen check; 100: any screen will do",
    )
    least_width_px = models.PositiveIntegerField(
        "narrowest window (CSS px)", default=300, validators=[MinValueValidator(1), MaxValueValidator(4000)]
    )
    least_height_px = models.PositiveIntegerField(
        "lowest window (CSS px)", default=300, validators=[MinValueValidator(1), MaxValueValidator(4000)]
    )
    shows_score = models.BooleanField("show the own result at the end", default=True)
    consent_text = models.TextField(default=texts.consent)
    debrief_text = models.TextField(default=texts.debrief)
    language = models.CharField(
        "language of these texts", max_length=10, choices=language_choices, default="en"
    )
    translations = models.JSONField(
        default=dict, blank=True, help_text="language -> title, description, consent_text, debrief_text"
    )
    panels = models.JSONField(default=default_panels, blank=True)
    quota = models.PositiveIntegerField(
        null=True, blank=True, help_text="finished sittings wanted; empty: no limit"
    )
    exclusions = models.JSONField(
        default=dict,
        blank=True,
        help_text="rules declared before the data: name -> percent, see `exclusions`",
    )
    sample_size_rule = models.TextField(
        blank=True, help_text="when recruiting ends, and why then; part of the preregistration"
    )
    analysis_plan = models.TextField(
        blank=True, help_text="what will be tested and how; empty: the report as it comes"
    )

    previous = models.OneToOneField(
        "self", null=True, editable=False, on_delete=models.PROTECT, related_name="next"
    )
    version_number = models.PositiveIntegerField(default=1, editable=False)
    created_utc = models.DateTimeField(default=timezone.now, editable=False)
    frozen_utc = models.DateTimeField(null=True, editable=False)
    opened_utc = models.DateTimeField(null=True, editable=False)
    closed_utc = models.DateTimeField(null=True, editable=False)
    definition = models.JSONField(
        null=True, editable=False, help_text="everything frozen at opening; the version is its hash"
    )
    version = models.CharField(max_length=64, blank=True, editable=False)
    width_px = models.PositiveIntegerField(null=True, editable=False)
    height_px = models.PositiveIntegerField(null=True, editable=False)
    pack_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    n_landed = models.PositiveIntegerField(
        default=0, editable=False, help_text="welcome pages seen by browsers"
    )
    n_declined = models.PositiveIntegerField(default=0, editable=False, help_text="consents refused")
    landings_full_s = models.FloatField(default=0, editable=False, help_text="a bucket, as in `limits`")

    class Meta:
        ordering: ClassVar = ["-created_utc"]
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        """Refuse a design that the protocol cannot run, in the protocol's words, and a language without its texts."""
        try:
            self.protocol_settings(source_weights={"real": 1.0})
        except DesignError as error:
            raise ValidationError({error.field: str(error)} if error.field else str(error)) from error
        if not self.is_timed and (self.mask_kind != Mask.GRAY or self.mask_ms is not None):
            raise ValidationError(
                f"expected a plain gray mask without a time, for pictures stay until the answer with {self.protocol}, "
                f"got {self.mask_kind}" + (f" for {self.mask_ms} ms" if self.mask_ms is not None else "")
            )
        if self.least_refresh_hz > self.most_refresh_hz:
            raise ValidationError(
                f"expected the slowest screen below the fastest, got {self.least_refresh_hz} to "
                f"{self.most_refresh_hz} Hz"
            )
        try:
            checked_rules(self.exclusions)
        except RuleError as error:
            raise ValidationError({"exclusions": str(error)}) from error
        known = {code for code, _ in language_choices()} - {self.language}
        for language, told in self.translations.items():
            if language not in known:
                raise ValidationError(
                    f"translations: expected languages among {', '.join(sorted(known))}, got {language}"
                )
            for name in TEXT_FIELDS:
                is_there = isinstance(told.get(name), str) and told[name].strip()
                if not (is_there or name in OPTIONAL_TEXTS):
                    raise ValidationError(f"translations, {language}: expected a text for {name}, got none")

    def protocol_settings(self, source_weights: dict[str, float] | None = None) -> Settings:
        """What the protocol needs to plan trials. Raises DesignError if they do not fit together."""
        catch_sources = ["any"] if self.catch_trials else []
        if source_weights is None:
            sources = list(self.sources.values_list("name", "weight", "is_catch"))
            source_weights = {name: weight for name, weight, is_catch in sources if not is_catch}
            catch_sources = sorted(name for name, _, is_catch in sources if is_catch)
        return Settings(
            source_weights=source_weights,
            exposures_ms=tuple(self.exposures_ms) if isinstance(self.exposures_ms, list) else (),
            n_trials=self.n_trials,
            practice_trials=self.practice_trials,
            repeat_share=self.repeat_percent / 100,
            catch_trials=self.catch_trials,
            catch_sources=tuple(catch_sources),
            is_timed=self.is_timed,
        )

    @property
    def is_timed(self) -> bool:
        """Whether pictures leave after an exposure; else they stay until the answer."""
        # A name that is no protocol is refused in its own field.
        return bool(getattr(PROTOCOLS.get(self.protocol), "IS_TIMED", True))

    @property
    def n_test_trials(self) -> int:
        """Trials of the test as people count them: main and catch trials, without repeats."""
        return self.n_trials + self.catch_trials

    @property
    def languages(self) -> list[str]:
        """The languages that participants may choose from, the study's own first."""
        return [self.language, *self.translations]

    def texts_in(self, language: str) -> texts.StudyTexts:
        """What the study says to participants. Raises KeyError for a language that it does not offer."""
        if language == self.language:
            return texts.StudyTexts(**{name: getattr(self, name) for name in TEXT_FIELDS})
        told = self.translations[language]
        return texts.StudyTexts(**{name: told[name] for name in TEXT_FIELDS if name in told})

    @property
    def pack_path(self):
        return settings.PACKS_DIR / f"{self.pack_sha256}.raw"

    @property
    def record_bytes(self) -> int:
        """Length of one picture in the pack: width x height x 3, the same for every picture."""
        return (self.width_px or 0) * (self.height_px or 0) * 3


class ExclusionList(models.Model):
    """Studies that share their people: whoever sat in one of them, or was put on the list, sits in no other."""

    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Recruiting(models.Model):
    """How people come to a study and are sent back. It may change while the study is open: no part of its version."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, primary_key=True, related_name="recruiting")
    open_link = models.BooleanField(
        "open to everybody",
        default=True,
        help_text="without a tick only people with a personal link or a panel's id may take part",
    )
    exclusion_list = models.ForeignKey(
        ExclusionList, null=True, blank=True, on_delete=models.PROTECT, related_name="recruitings"
    )
    codes = models.JSONField(default=dict, blank=True, help_text="outcome -> code that the panel expects")
    return_urls = models.JSONField(
        default=dict, blank=True, help_text="panel -> address with {code} and {id}"
    )
    payment = models.JSONField(
        default=dict, blank=True, help_text="outcome -> amount, and bonus, see `payment`"
    )

    def __str__(self) -> str:
        return f"recruiting for {self.study}"


class StudySource(models.Model):
    """One source of a study: the name its curve bears, its image set and its share of the trials."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="sources")
    name = models.SlugField(max_length=50)
    image_set = models.ForeignKey(ImageSet, on_delete=models.PROTECT, related_name="used_by")
    weight = models.FloatField(default=1.0, validators=[MinValueValidator(0.001)])
    is_catch = models.BooleanField(
        "in catch trials only", default=False, help_text="its pictures are in no main trial and no figure"
    )

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "name"], name="one_source_per_name"),
        ]

    def __str__(self) -> str:
        return f"{self.study}: {self.name}"


class Stimulus(models.Model):
    """An image in a study's pack. The position is secret-random; the truth is on the other side of `image`."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="stimuli")
    source = models.ForeignKey(StudySource, on_delete=models.PROTECT, related_name="stimuli")
    image = models.ForeignKey(Image, on_delete=models.PROTECT)
    position = models.PositiveIntegerField(help_text="record number in the pack")
    is_example = models.BooleanField(default=False, help_text="looked at before the test, never in it")
    times_planned = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "stimuli"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "position"], name="one_stimulus_per_position"),
            models.UniqueConstraint(fields=["study", "image"], name="one_stimulus_per_image"),
        ]
        indexes: ClassVar = [models.Index(fields=["source", "is_example", "times_planned"])]

    def __str__(self) -> str:
        return f"{self.study}#{self.position}"


class Participant(models.Model):
    """A person in one study, under a pseudonym."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="participants")
    pseudonym = models.CharField(max_length=22, default=token_128, unique=True, editable=False)
    is_simulated = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.pseudonym


class PanelIdentity(models.Model):
    """How a recruiting panel calls a participant. Kept apart from responses, never exported with them."""

    participant = models.OneToOneField(Participant, on_delete=models.CASCADE, related_name="identity")
    study = models.ForeignKey(Study, on_delete=models.CASCADE)
    panel = models.CharField(max_length=30)
    external_id = models.CharField(max_length=128)

    class Meta:
        verbose_name_plural = "panel identities"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["study", "panel", "external_id"], name="one_sitting_per_panel_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.panel}: {self.external_id}"


class ListedPerson(models.Model):
    """Somebody whom the studies of an exclusion list take no second time; `identity` if a sitting put them there.

    Who was listed for a sitting goes with its identity: no list keeps an id longer than its study said.
    """

    exclusion_list = models.ForeignKey(ExclusionList, on_delete=models.CASCADE, related_name="people")
    panel = models.CharField(max_length=30)
    external_id = models.CharField(max_length=128)
    identity = models.OneToOneField(
        PanelIdentity, null=True, blank=True, on_delete=models.CASCADE, related_name="listed"
    )

    class Meta:
        verbose_name_plural = "listed people"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["exclusion_list", "panel", "external_id"], name="one_person_per_exclusion_list"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.panel}: {self.external_id}"


class NamedLink(Limited):
    """A link for one person, or for testers: its token stands in the address. Whom it is for, participants never read.

    A person's link leads to one sitting, a tester's to as many as they like, all marked as pilot.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="links")
    token = models.CharField(max_length=22, default=token_128, unique=True, editable=False)
    label = models.CharField("for whom", max_length=200, blank=True)
    is_tester = models.BooleanField("for testers", default=False)
    created_utc = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return self.label or self.token[:8]


class SittingOutcome(models.TextChoices):
    """How somebody's way through a study ended, as far as a panel has a code for it."""

    COMPLETE = "complete", "complete"
    FAILED_CHECK = "failed_check", "failed check"
    NO_CONSENT = "no_consent", "no consent"
    SCREENED_OUT = "screened_out", "screened out"


class Sitting(Limited):
    """One pass of one participant through one study."""

    class Status(models.TextChoices):
        STARTED = "started"
        FINISHED = "finished"
        SCREENED = "screened"
        WITHDRAWN = "withdrawn"
        ERASED = "erased"

    participant = models.OneToOneField(Participant, on_delete=models.PROTECT, related_name="sitting")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="sittings")
    public_id = models.CharField(max_length=22, default=token_128, unique=True, editable=False)
    secret_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.STARTED, db_index=True)
    study_version = models.CharField(max_length=64)
    language = models.CharField(max_length=10, default="en", help_text="of the pages and of the consent")
    consent_sha256 = models.CharField(max_length=64)
    consent_utc = models.DateTimeField(default=timezone.now)
    finished_utc = models.DateTimeField(null=True, blank=True)
    design_seed = models.BigIntegerField(help_text="seeds the order of sources and exposures")
    real_key = models.CharField(max_length=1, choices=[("f", "f"), ("j", "j")])
    screen = models.JSONField(default=dict, blank=True, help_text="refresh rate and size, as measured")
    outcome = models.CharField(
        max_length=12, choices=SittingOutcome.choices, blank=True, help_text="empty: not at an end"
    )
    completion_code = models.CharField(max_length=50, blank=True)
    receipt_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    is_simulated = models.BooleanField(default=False, db_index=True)
    is_pilot = models.BooleanField(
        default=False, db_index=True, help_text="begun while the study was tried out, or by a tester"
    )

    class Meta:
        ordering: ClassVar = ["-consent_utc"]

    def __str__(self) -> str:
        return self.public_id


class SittingTally(models.Model):
    """What has come of a sitting so far, counted with each write in its own transaction: see `tallies`.

    It outlives erasure: an erased sitting keeps `planned`, so that the study's counts still add up.
    """

    sitting = models.OneToOneField(Sitting, on_delete=models.CASCADE, primary_key=True, related_name="tally")
    planned = models.PositiveIntegerField(default=0, help_text="trials, practice included")
    answered = models.PositiveIntegerField(default=0)
    timed_out = models.PositiveIntegerField(default=0)
    interrupted = models.PositiveIntegerField(default=0)
    main_planned = models.PositiveIntegerField(default=0, help_text="the main trials among them")
    main_answered = models.PositiveIntegerField(default=0)
    main_timed_out = models.PositiveIntegerField(default=0)
    main_interrupted = models.PositiveIntegerField(default=0)
    timing_ok = models.PositiveIntegerField(default=0, help_text="responses shown as planned")
    timing_wrong = models.PositiveIntegerField(default=0)
    timing_unknown = models.PositiveIntegerField(default=0)
    by_callback = models.PositiveIntegerField(
        default=0, help_text="responses without a witness of the frames"
    )
    reaction_150 = models.PositiveIntegerField(default=0, help_text="answers below 150 ms, and so on")
    reaction_300 = models.PositiveIntegerField(default=0)
    reaction_450 = models.PositiveIntegerField(default=0)
    reaction_600 = models.PositiveIntegerField(default=0)
    reaction_800 = models.PositiveIntegerField(default=0)
    reaction_1000 = models.PositiveIntegerField(default=0)
    reaction_1500 = models.PositiveIntegerField(default=0)
    reaction_2500 = models.PositiveIntegerField(default=0)
    reaction_more = models.PositiveIntegerField(default=0)
    refresh_hz = models.PositiveIntegerField(null=True, help_text="of the screen, once it was checked")

    def __str__(self) -> str:
        return f"{self.sitting_id}: {self.answered} of {self.planned}"


class Trial(models.Model):
    """What is asked: planned ahead, closed by a response or by an interruption."""

    class Status(models.TextChoices):
        PLANNED = "planned"
        ISSUED = "issued"
        ANSWERED = "answered"
        TIMED_OUT = "timed_out"
        INTERRUPTED = "interrupted"

    class Kind(models.TextChoices):
        PRACTICE = "practice"
        MAIN = "main"
        CATCH = "catch"
        REPEAT = "repeat"

    OPEN: ClassVar = (Status.PLANNED, Status.ISSUED)

    sitting = models.ForeignKey(Sitting, on_delete=models.CASCADE, related_name="trials")
    ordinal = models.PositiveIntegerField()
    token = models.CharField(max_length=22, default=token_128, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    exposure_ms = models.PositiveIntegerField(null=True, help_text="empty: until the answer")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PLANNED)

    class Meta:
        ordering: ClassVar = ["sitting", "ordinal"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sitting", "ordinal"], name="one_trial_per_ordinal"),
        ]
        # As for responses: what a list of the admin looks for is rare or is not there at all.
        indexes: ClassVar = [
            models.Index(fields=["-id"], condition=Q(status="timed_out"), name="trial_timed_out"),
            models.Index(fields=["-id"], condition=Q(status="interrupted"), name="trial_interrupted"),
            models.Index(fields=["-id"], condition=Q(kind="practice"), name="trial_practice"),
            models.Index(fields=["-id"], condition=Q(kind="catch"), name="trial_catch"),
            models.Index(fields=["-id"], condition=Q(kind="repeat"), name="trial_repeat"),
        ]

    def __str__(self) -> str:
        return f"{self.sitting} #{self.ordinal}"


class TrialStimulus(models.Model):
    """A stimulus shown in a trial: position 0 in a yes/no trial, 0 and 1 where two are compared."""

    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="shown")
    sitting = models.ForeignKey(Sitting, on_delete=models.CASCADE, related_name="shown")
    stimulus = models.ForeignKey(Stimulus, on_delete=models.PROTECT)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "trial stimuli"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["trial", "position"], name="one_stimulus_per_slot"),
            models.UniqueConstraint(fields=["sitting", "stimulus"], name="no_picture_twice_for_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.trial}: {self.stimulus}"


class Response(models.Model):
    """What came back. The trial is the key: a second, different answer is kept aside, never here."""

    trial = models.OneToOneField(Trial, on_delete=models.CASCADE, related_name="response")
    body_sha256 = models.CharField(max_length=64, help_text="of the canonical message")
    receipt = models.CharField(max_length=24, default=token_128, unique=True)
    received_utc = models.DateTimeField(default=timezone.now)
    status = models.CharField(
        max_length=12,
        choices=[("answered", "answered"), ("timed_out", "timed out"), ("interrupted", "interrupted")],
    )
    answer = models.CharField(
        max_length=10, blank=True, choices=[("real", "real"), ("generated", "generated")]
    )
    reaction_ms = models.FloatField(null=True)
    reaction_origin = models.CharField(max_length=20, blank=True)
    input_kind = models.CharField(max_length=10, blank=True)
    planned_frames = models.PositiveIntegerField(null=True)
    measured_frames = models.PositiveIntegerField(null=True)
    measured_ms = models.FloatField(null=True)
    frame_ms = models.FloatField()
    timing_ok = models.BooleanField(null=True)
    timing_witness = models.CharField(max_length=20)
    flags = models.JSONField(default=list)
    lost_focus = models.BooleanField()
    shown_utc = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="answered_means_an_answer",
                condition=Q(status="answered") & ~Q(answer="") | ~Q(status="answered") & Q(answer=""),
            ),
        ]
        # What the admin's list looks for is rare or is not there at all; usual answers cost these nothing.
        indexes: ClassVar = [
            models.Index(fields=["-id"], condition=Q(status="timed_out"), name="response_timed_out"),
            models.Index(fields=["-id"], condition=Q(status="interrupted"), name="response_interrupted"),
            models.Index(fields=["-id"], condition=Q(timing_ok=False), name="response_mistimed"),
            models.Index(fields=["-id"], condition=Q(timing_ok=None), name="response_not_measured"),
            models.Index(fields=["-id"], condition=Q(lost_focus=True), name="response_out_of_focus"),
        ]

    def __str__(self) -> str:
        return f"{self.trial}: {self.answer or self.status}"


class ConflictingResponse(models.Model):
    """A different second answer to a trial: refused, and kept for whoever wants to know why."""

    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="conflicts")
    body = models.JSONField()
    body_sha256 = models.CharField(max_length=64)
    received_utc = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["trial", "body_sha256"], name="one_row_per_conflicting_body"),
        ]

    def __str__(self) -> str:
        return f"{self.trial}: second answer"


class Job(models.Model):
    """Work for a worker: what is wanted and, once done, what came out. Its slices say how far it is."""

    class Kind(models.TextChoices):
        GENERATE = "generate"
        TRAIN = "train"
        REPORT = "report"
        EXPORT = "export"
        BOTS = "bots"

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        STOPPED = "stopped"

    # A worker may take slices of such a job.
    OPEN: ClassVar[tuple[str, ...]] = (Status.WAITING, Status.RUNNING)

    kind = models.CharField(max_length=20, choices=Kind.choices)
    arguments: Any = models.JSONField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    error = models.TextField(blank=True)
    image_set = models.ForeignKey(ImageSet, null=True, blank=True, on_delete=models.SET_NULL)
    freeze = models.ForeignKey(
        "ExportFreeze", null=True, blank=True, on_delete=models.CASCADE, related_name="jobs"
    )
    outcome: Any = models.JSONField(default=dict, help_text="how far it is and what came out: see `products`")
    created_by = models.CharField(max_length=150, blank=True)
    created_utc = models.DateTimeField(default=timezone.now)
    finished_utc = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_utc"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class JobSlice(models.Model):
    """A part of a job, items [first, last), that one worker holds for as long as its lease.

    Items are images to generate or, in a training job, the parts of the model: one a slice, named `part`.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        POISONED = "poisoned"

    MAX_ATTEMPTS: ClassVar[int] = 5

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="slices")
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING, db_index=True)
    part = models.CharField(max_length=50, blank=True, help_text="the part of the model that it trains")
    stage = models.PositiveSmallIntegerField(
        default=0, help_text="begins when all slices of the job's earlier stages are done"
    )
    done = models.PositiveIntegerField(default=0, help_text="images finished, or seen in training")
    share = models.FloatField(default=0.0, help_text="share of the training's budget that is used, 0 to 1")
    attempts = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_until_utc = models.DateTimeField(null=True, blank=True)
    sent_utc = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["job", "first"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "first"], name="one_slice_per_first"),
        ]

    def __str__(self) -> str:
        return f"{self.job} [{self.first}, {self.last})"


class OneUsePassword(models.Model):
    """A password that opens the admin once; its owner then sets an own one. Only the hash is kept."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    password_hash = models.CharField(max_length=128)
    created_utc = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"one-use password of {self.user}"


class RecoveryCode(models.Model):
    """What stands in once for a phone that is lost: see `second_factor`. Only the hash is kept, and gone when used."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    code_sha256 = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"recovery code of {self.user}"


class SittingCells(models.Model):
    """How often an ended sitting judged pictures real, by source and exposure: see `results`. Gone with its answers."""

    sitting = models.OneToOneField(Sitting, on_delete=models.CASCADE, primary_key=True, related_name="cells")
    cells = models.JSONField(help_text="[source, exposure in ms, answers, judged real] for each cell")
    counted_utc = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "cells of sittings"

    def __str__(self) -> str:
        return f"{self.sitting_id}: {len(self.cells)} cells"


class Unblinding(models.Model):
    """Somebody who looked at results while a study ran, and when they began to."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="unblindings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    moment_utc = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "user"], name="one_unblinding_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.study}: {self.user}"


class Heartbeat(models.Model):
    """A worker's last round: whether anybody works on jobs."""

    worker = models.CharField(max_length=100, unique=True)
    seen_utc = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.worker


class ExportFreeze(models.Model):
    """What an export holds, fixed at one moment: the same freeze gives the same files again. See `freezes`."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="freezes")
    name = models.CharField(max_length=22, default=token_128, unique=True, editable=False)
    created_utc = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=150, blank=True)
    include_simulated = models.BooleanField(default=False)
    is_pilot = models.BooleanField(
        default=False, help_text="the pilot's sittings, which stand with no others"
    )
    rows_sha256 = models.CharField(
        max_length=64, help_text="of the list of sittings and how far each had come"
    )
    description = models.JSONField(help_text="study.json at that moment, without its files")
    files = models.JSONField(
        default=dict, help_text="format -> file -> rows and SHA-256 of what was written first"
    )

    class Meta:
        ordering: ClassVar = ["-created_utc", "-pk"]

    def __str__(self) -> str:
        return f"{self.study}, {self.name[:8]}"


class FrozenSitting(models.Model):
    """How far a sitting had come when an export was frozen. Erasing the sitting empties it.

    Ordinals are written as ranges, `1-3 7`: see `freezes.ranges`.
    """

    freeze = models.ForeignKey(ExportFreeze, on_delete=models.CASCADE, related_name="sittings")
    sitting = models.ForeignKey(Sitting, on_delete=models.CASCADE, related_name="frozen")
    status = models.CharField(max_length=10, choices=Sitting.Status.choices)
    language = models.CharField(max_length=10)
    consent_sha256 = models.CharField(max_length=64)
    finished_utc = models.DateTimeField(null=True)
    screen = models.JSONField(default=dict)
    planned = models.PositiveIntegerField(help_text="trials with an ordinal up to this one are in it")
    open = models.TextField(blank=True, help_text="but for these, which nobody had answered yet")
    unreported = models.TextField(blank=True, help_text="closed ones of which the browser had told nothing")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["freeze", "sitting"], name="one_row_per_frozen_sitting"),
        ]
        # How many of a freeze's sittings were erased since is asked each time something is given out.
        indexes: ClassVar = [
            models.Index(fields=["freeze"], condition=Q(status="erased"), name="frozen_and_erased"),
        ]

    def __str__(self) -> str:
        return f"{self.freeze}: {self.sitting_id}"


class SignInTries(Limited):
    """How often a name was tried at the sign-in page. Known and unknown names alike, by a keyed hash of the name."""

    place = models.PositiveIntegerField(unique=True, help_text="one of 65,536, which the name's hash chooses")

    class Meta:
        verbose_name_plural = "tries to sign in"

    def __str__(self) -> str:
        return f"place {self.place}"


class ApiToken(Limited):
    """A word that opens the researchers' API in its owner's name. Only its hash is kept."""

    class Scope(models.TextChoices):
        READ = "read", "look and export"
        RECRUIT = "recruit", "look, export and make links"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    label = models.CharField(max_length=100, help_text="what it is for")
    scope = models.CharField(
        "may",
        max_length=10,
        choices=Scope.choices,
        default=Scope.READ,
        help_text="in each study no more than its owner",
    )
    token_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    created_utc = models.DateTimeField(default=timezone.now, editable=False)
    expires_utc = models.DateTimeField(null=True, blank=True, help_text="empty: until it is revoked")
    revoked_utc = models.DateTimeField(null=True, editable=False)
    last_used_utc = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_utc"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.label


class StudyRole(models.Model):
    """What somebody may do in one study: see `roles`."""

    class Role(models.TextChoices):
        OWNER = "owner", "owner: everything, and who else may"
        EDITOR = "editor", "editor: design, steps, data and names"
        ANALYST = "analyst", "analyst: data and results, no names of panels"
        RECRUITER = "recruiter", "recruiter: figures and names of panels, no data"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="roles")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="study_roles")
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "user"], name="one_role_per_person_and_study"),
        ]

    def __str__(self) -> str:
        return f"{self.study}: {self.user}, {self.role}"


class Invitation(models.Model):
    """A link that gives whoever follows it a role in a study, once. Only the hash of its word is kept."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=StudyRole.Role.choices)
    token_sha256 = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invited")
    created_utc = models.DateTimeField(default=timezone.now)
    expires_utc = models.DateTimeField()
    used_utc = models.DateTimeField(null=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="accepted"
    )

    def __str__(self) -> str:
        return f"{self.study}: {self.role}"


class Retention(models.Model):
    """How long a study keeps what could lead back to people: see `retention`."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, primary_key=True, related_name="retention")
    identities_until = models.DateField(
        "panel identities until", null=True, blank=True, help_text="the last day on which they are kept"
    )
    answers_until = models.DateField(
        "answers until", null=True, blank=True, help_text="then every sitting is erased; counts stay"
    )

    def __str__(self) -> str:
        return str(self.study)
