"""How often something may be asked: token buckets in the row of whoever asks, one statement a request.

There is no limit by network address, for none is kept: a sitting is limited by itself, what comes without one by
the study that it comes for. A refused request has changed nothing and may come again when the bucket has filled.
"""

import math
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import QuerySet, Value
from django.db.models.functions import Greatest


class Limited(models.Model):
    """A row with a bucket: `bucket_full_s` is when it is full again if nothing more is asked, in seconds since 1970."""

    bucket_full_s = models.FloatField(default=0, editable=False)

    class Meta:
        abstract = True


class TooOften(Exception):
    """The bucket is empty. `retry_after_s`, at least 1, is when the next token has come."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"the next request may come in {retry_after_s} s")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Limit:
    """`burst` requests at once, then `per_s` a second for as long as one likes."""

    per_s: float
    burst: int

    def spend(self, row: QuerySet[Any], now_s: float) -> bool:
        """Take a token out of the bucket of this one row. Raises TooOften if there is none; False without such a row.

        The update finds its row only while a token is left, so that two requests never take the same one.
        """
        latest_s = now_s + (self.burst - 1) / self.per_s
        full_s = Greatest("bucket_full_s", Value(now_s)) + 1 / self.per_s
        if row.filter(bucket_full_s__lte=latest_s).update(bucket_full_s=full_s):
            return True
        found_s = row.values_list("bucket_full_s", flat=True).first()
        if found_s is not None and found_s > latest_s:
            raise TooOften(max(1, math.ceil(found_s - latest_s)))
        return False
