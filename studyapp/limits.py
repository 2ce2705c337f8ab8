"""How often something may be asked: token buckets in the row of whoever asks, one statement a request.

There is no limit by network address, for none is kept: a sitting is limited by itself, what comes without one by
the link that it comes over. A refused request has changed nothing and may come again when the bucket has filled.
"""

import math
from dataclasses import dataclass

from django.db import connection, models


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

    def spend(self, model: type[Limited], pk: int, now_s: float, bucket: str = "bucket_full_s") -> None:
        """Take a token out of a bucket (its column) of this row. Raises TooOften if there is none.

        The update finds its row only while a token is left, so that two requests never take the same one; until the
        end of the transaction nobody else takes one. It comes with every response, so its SQL is written here.
        """
        latest_s = now_s + (self.burst - 1) / self.per_s
        table, key = model._meta.db_table, model._meta.pk.column
        take = (
            f"UPDATE {table} SET {bucket} = %s + "  # noqa: S608  # nosec B608
            f"CASE WHEN {bucket} > %s THEN {bucket} ELSE %s END "
            f"WHERE {key} = %s AND {bucket} <= %s"
        )
        with connection.cursor() as cursor:
            while True:
                cursor.execute(take, (1 / self.per_s, now_s, now_s, pk, latest_s))
                if cursor.rowcount:
                    return
                cursor.execute(f"SELECT {bucket} FROM {table} WHERE {key} = %s", (pk,))  # noqa: S608  # nosec B608
                ((full_s,),) = cursor.fetchall()
                if full_s > latest_s:
                    raise TooOften(max(1, math.ceil(full_s - latest_s)))
