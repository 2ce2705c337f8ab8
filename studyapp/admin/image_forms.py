"""The two ways by which pictures come in through the admin: an uploaded zip, and a generation job."""

import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import get_valid_filename

from studyapp.catalogue import CatalogueError, ImageSetError, SourceNameError, import_images
from studyapp.checkpoints import SHIPPED_DIR, names_in, trained_names
from studyapp.image_files import MAX_SIDE_PX
from studyapp.jobs import MAX_IMAGES, JobError, queue_generation
from studyapp.models import ImageSet, Job
from studyapp.squares import LEAST_SIDE_PX

WEIGHTS_DIR = SHIPPED_DIR
MOST_SIZES = 5  # that a help text names


class UploadForm(forms.Form):
    """A zip of PNG files and the source it stands for."""

    file = forms.FileField(
        label="Zip of pictures",
        help_text="Photographs of any size, if you give a side below; else PNG files of one size (8-bit RGB or gray), "
        "with or without manifest.json.",
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,application/zip"}),
    )
    source = forms.SlugField(
        max_length=50,
        required=False,
        help_text="What the pictures are: real (photographs), gan, lapgan, cc-lapgan, or a name of yours for another "
        "generator. May be empty where a manifest in the zip says it.",
    )
    side_px = forms.IntegerField(
        label="Side (px)",
        required=False,
        min_value=LEAST_SIDE_PX,
        max_value=MAX_SIDE_PX,
        help_text="JPEG, PNG and WebP pictures of any size are cut to their centre square and shrunk to this side, "
        "that of the pictures which they are to be compared with. Empty: PNG files are taken as they are.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sizes = (
            ImageSet.objects.order_by("width_px", "height_px").values_list("width_px", "height_px").distinct()
        )
        if there := ", ".join(f"{width} × {height}" for width, height in sizes[:MOST_SIZES]):
            self.fields["side_px"].help_text += f" The sets here: {there}."

    def take_in(self, by: str) -> ImageSet | None:
        """The image set in the catalogue; None if it was refused, then the form says why at the file."""
        upload = self.cleaned_data["file"]
        try:
            with tempfile.TemporaryDirectory(prefix="tachisto-upload-") as folder:
                path = Path(folder) / _file_name(upload)
                with path.open("wb") as file:
                    for chunk in upload.chunks():
                        file.write(chunk)
                return import_images(
                    path,
                    source=self.cleaned_data["source"] or None,
                    side_px=self.cleaned_data["side_px"],
                    by=by,
                )
        except SourceNameError as error:
            self.add_error("source", str(error).replace(f"{folder}/", ""))
        except (CatalogueError, ImageSetError) as error:
            # The researcher knows the file by its name, not by where it lay here.
            self.add_error("file", str(error).replace(f"{folder}/", ""))
        except OSError as error:
            self.add_error("file", f"The disk refused it ({error.strerror}); nothing was stored.")
        return None


def _file_name(upload: UploadedFile) -> str:
    return get_valid_filename(Path(upload.name or "upload.zip").name)[-100:]


class GenerationForm(forms.Form):
    """How many images of which checkpoint a worker shall make."""

    checkpoint = forms.ChoiceField(
        help_text="A model that comes with the project (source and data set), or one trained here."
    )
    count = forms.IntegerField(
        label="Images",
        min_value=1,
        max_value=MAX_IMAGES,
        initial=1200,
        help_text="1,000 or more for a study; each person sees one at most once.",
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**63 - 1,
        initial=1,
        help_text="The same seed gives the same images; another one gives others.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = [*names_in(WEIGHTS_DIR), *trained_names()]
        self.fields["checkpoint"].choices = [(name, name) for name in self.names]  # type: ignore[attr-defined]

    def queue(self, by: str) -> Job | None:
        """The job; None if it cannot be queued, then the form says why."""
        try:
            return queue_generation(**self.cleaned_data, by=by)
        except JobError as error:
            self.add_error(None, str(error))
            return None
