"""The forms of the recruiting pages: how people come and go back, links, an arrival to try, a panel's list."""

from typing import Any

from django import forms

from studyapp.csv_tables import MAX_BYTES, Table, TableError, read_table
from studyapp.models import ExclusionList, Recruiting, SittingOutcome, Study
from studyapp.panels import PANELS, in_order
from studyapp.payment import RULES, checked_payment
from studyapp.recruiting import (
    LONGEST_CODE,
    LONGEST_URL,
    RecruitingError,
    checked_codes,
    checked_return_url,
    share_people,
)

CODE_HELP = {
    SittingOutcome.COMPLETE: "Shown at the end. Empty: each sitting gets a code of its own.",
    SittingOutcome.FAILED_CHECK: "For whoever finishes but breaks a declared rule of attention. Empty: as if complete.",
    SittingOutcome.NO_CONSENT: "For whoever does not agree. Empty: no code, no way back.",
    SittingOutcome.SCREENED_OUT: "For whoever's screen will not do. Empty: each sitting gets a code of its own.",
}
PAYMENT_LABELS = {
    SittingOutcome.COMPLETE: "Amount, complete",
    SittingOutcome.FAILED_CHECK: "Amount, failed check",
    SittingOutcome.SCREENED_OUT: "Amount, screened out",
    "bonus_for_right": "Bonus for each right answer",
    "bonus_at_most": "Bonus at most",
}


class RecruitingForm(forms.Form):
    """What may change while a study is open. Its fields follow from the panels of the study."""

    open_link = forms.BooleanField(
        label="Open to everybody",
        required=False,
        help_text="Without a tick only people with a personal link or a panel's id may take part.",
    )
    exclusion_list = forms.ModelChoiceField(
        ExclusionList.objects.all(),
        label="Exclusion list",
        required=False,
        empty_label="none",
        help_text="Studies on one list share their people: whoever sat in one sits in no other.",
    )
    new_list = forms.CharField(
        label="Or a new list",
        required=False,
        max_length=100,
        help_text="Its name; other studies can then join it.",
    )

    def __init__(self, recruiting: Recruiting, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.recruiting = recruiting
        self.initial["open_link"] = recruiting.open_link
        self.initial["exclusion_list"] = recruiting.exclusion_list_id
        for outcome in SittingOutcome:
            self._add(
                f"code_{outcome}",
                recruiting.codes.get(outcome, ""),
                forms.CharField(
                    label=f"Code, {outcome.label}", max_length=LONGEST_CODE, help_text=CODE_HELP[outcome]
                ),
            )
        for number, panel in enumerate(in_order(recruiting.study.panels)):
            known = PANELS.get(panel)
            usual = f" Such as {known.return_url}" if known and known.return_url else ""
            self._add(
                f"return_{number}",
                recruiting.return_urls.get(panel, ""),
                forms.CharField(
                    label=f"Way back to {known.title if known else panel}",
                    max_length=LONGEST_URL,
                    help_text=f"Takes {{code}} and {{id}}. Empty: the code is shown, to be copied.{usual}",
                    widget=forms.TextInput(attrs={"class": "vTextField"}),
                ),
            )
        for name in RULES:
            label = PAYMENT_LABELS[name]
            self._add(
                f"pay_{name}", recruiting.payment.get(name, ""), forms.CharField(label=label, max_length=20)
            )

    def _add(self, name: str, initial: Any, field: forms.Field) -> None:
        field.required = False
        self.fields[name], self.initial[name] = field, initial

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            self.recruiting.codes = checked_codes(
                {o.value: cleaned.get(f"code_{o}") or "" for o in SittingOutcome}
            )
        except RecruitingError as error:
            self.add_error("code_complete", str(error))
        self.recruiting.return_urls = {}
        for number, panel in enumerate(in_order(self.recruiting.study.panels)):
            if url := cleaned.get(f"return_{number}"):
                try:
                    self.recruiting.return_urls[panel] = checked_return_url(url)
                except RecruitingError as error:
                    self.add_error(f"return_{number}", str(error))
        self.recruiting.payment = {}
        for name in RULES:
            try:
                self.recruiting.payment |= checked_payment({name: cleaned.get(f"pay_{name}")})
            except RecruitingError as error:
                self.add_error(f"pay_{name}", str(error))
        return cleaned

    def save(self) -> None:
        self.recruiting.open_link = self.cleaned_data["open_link"]
        self.recruiting.save()
        chosen = self.cleaned_data["exclusion_list"]
        if name := self.cleaned_data["new_list"]:
            chosen, _ = ExclusionList.objects.get_or_create(name=name)
        share_people(self.recruiting.study, chosen)


class TableField(forms.FileField):
    """A CSV file of any usual kind, as a table."""

    widget = forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"})

    def clean(self, data: Any, initial: Any = None) -> Table | None:
        file = super().clean(data, initial)
        if not file:
            return None
        try:
            return read_table(file.read(MAX_BYTES + 1))
        except TableError as error:
            raise forms.ValidationError(f"{error}.") from error


class LinksForm(forms.Form):
    """How many links, or for whom."""

    count = forms.IntegerField(label="How many", required=False, min_value=1, max_value=100_000)
    table = TableField(
        label="Or a CSV file",
        required=False,
        help_text="A line for each person: its column label, name or email, else the first. Whoever has a link already "
        "gets no second one.",
    )
    is_tester = forms.BooleanField(
        label="For testers",
        required=False,
        help_text="Can be used as often as one likes, also while the study is piloted; all that comes of it is marked.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and (cleaned.get("count") is None) == (cleaned.get("table") is None):
            raise forms.ValidationError("Expected a number or a CSV file, one of the two.")
        return cleaned


class ArrivalForm(forms.Form):
    """An address as it stands in a browser when somebody has come from a panel."""

    address = forms.CharField(
        label="Arrival address",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Take part once through the panel's preview, copy the address of the first page, and paste it here.",
    )


class PanelListForm(forms.Form):
    """The panel's own list of submissions."""

    panel = forms.ChoiceField()
    table = TableField(
        label="Its list (CSV)",
        help_text="As the panel exports it: with the id and the status of each submission.",
    )

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (panel, PANELS[panel].title if panel in PANELS else panel) for panel in in_order(study.panels)
        ]
        self.fields["panel"] = forms.ChoiceField(label="Panel", choices=choices)
        self.order_fields(["panel", "table"])
