"""Contact sheets: the first pictures of an image set, side by side in one PNG, as they are in the zip."""

import io
from dataclasses import dataclass

from PIL import Image as Picture

from studyapp.image_files import zip_pixels
from studyapp.models import ImageSet

GAP_PX = 2
# Larger pictures are shrunk to this, so that a sheet stays a small file.
MAX_CELL_PX = 96


@dataclass(frozen=True)
class Layout:
    """How many pictures a sheet shows, and how much a browser enlarges it (nearest neighbour)."""

    columns: int
    rows: int
    enlargement: int

    @property
    def n_pictures(self) -> int:
        return self.columns * self.rows


LAYOUTS: dict[str, Layout] = {
    "strip": Layout(columns=6, rows=1, enlargement=1),
    "sheet": Layout(columns=10, rows=10, enlargement=2),
}


def cell_px(image_set: ImageSet) -> tuple[int, int]:
    """Width and height of one picture on a sheet, in pixels."""
    shrink = min(1.0, MAX_CELL_PX / max(image_set.width_px, image_set.height_px))
    return max(1, round(image_set.width_px * shrink)), max(1, round(image_set.height_px * shrink))


def sheet_px(image_set: ImageSet, layout: Layout) -> tuple[int, int]:
    """Width and height of the sheet, in pixels; rows that stay empty are left out."""
    n_shown = min(image_set.n_images, layout.n_pictures)
    n_columns, n_rows = min(n_shown, layout.columns), -(-n_shown // layout.columns)
    width_px, height_px = cell_px(image_set)
    return n_columns * (width_px + GAP_PX) - GAP_PX, n_rows * (height_px + GAP_PX) - GAP_PX


def contact_sheet(image_set: ImageSet, layout: Layout) -> bytes:
    """The sheet as a PNG file; the gaps are transparent. Raises OSError, KeyError or ImageSetError
    if the set's zip is not what was catalogued."""
    files = list(image_set.images.order_by("file").values_list("file", flat=True)[: layout.n_pictures])
    cell = cell_px(image_set)
    sheet = Picture.new("RGBA", sheet_px(image_set, layout))
    for index, (_, pixels) in enumerate(zip_pixels(image_set.path, files)):
        picture = Picture.frombytes("RGB", (image_set.width_px, image_set.height_px), pixels)
        if picture.size != cell:
            picture = picture.resize(cell, Picture.Resampling.BOX)
        row, column = divmod(index, layout.columns)
        sheet.paste(picture, (column * (cell[0] + GAP_PX), row * (cell[1] + GAP_PX)))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()
