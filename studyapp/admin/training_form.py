"""The form by which a training job is queued: a recipe, to begin with one that ships, and its data."""

from typing import Any

from django import forms
from django.conf import settings

from studyapp.jobs import JobError
from studyapp.models import Job
from studyapp.recipes import MAX_CHARACTERS
from studyapp.training import queue_training

RECIPES_DIR = settings.BASE_DIR / "generator" / "configs"
# The field that a refusal is about, by the word that the refusal begins with; any other is about the recipe.
FIELDS = {"data": "data_path", "name": "name"}


def recipe_names() -> list[str]:
    """Names of the recipes that ship, sorted."""
    return sorted(path.stem for path in RECIPES_DIR.glob("*.toml"))


def shipped_recipe(name: str) -> str:
    """The text of a recipe that ships; empty for another name."""
    return (RECIPES_DIR / f"{name}.toml").read_text(encoding="utf-8") if name in recipe_names() else ""


class TrainingForm(forms.Form):
    """What shall be trained on which pictures."""

    recipe = forms.CharField(
        max_length=MAX_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "cols": 80, "spellcheck": "false", "class": "recipe"}),
        help_text="Each level of a model is trained on a worker of its own; the budget is for each level.",
    )
    data_path = forms.CharField(
        label="Data",
        required=False,
        max_length=1000,
        help_text="Folder or file of the data set on the server; empty for photos and for downloaded data sets.",
    )
    name = forms.CharField(
        required=False,
        max_length=100,
        help_text="Under this name images can be generated from it. Empty: source, data set and number.",
    )

    def queue(self, by: str) -> Job | None:
        """The job; None if it cannot be queued, then the form says why at the field."""
        given: dict[str, Any] = self.cleaned_data
        try:
            return queue_training(recipe=given["recipe"], data=given["data_path"], name=given["name"], by=by)
        except JobError as error:
            self.add_error(FIELDS.get(str(error).partition(":")[0], "recipe"), str(error))
            return None
