"""Counters of the sittings that were there before there were counters."""

from django.db import migrations
from django.db.models import Count, Q

ENDS = (150, 300, 450, 600, 800, 1000, 1500, 2500)
NAMES = [*(f"reaction_{end}" for end in ENDS), "reaction_more"]
CLOSED = ("answered", "timed_out", "interrupted")


def count(apps, schema_editor):
    Sitting, Trial, Response, SittingTally = (
        apps.get_model("studyapp", name) for name in ("Sitting", "Trial", "Response", "SittingTally")
    )
    main = Q(kind="main")
    of_trials = {"n_planned": Count("pk"), "n_main_planned": Count("pk", filter=main)}
    for status in CLOSED:
        of_trials[f"n_{status}"] = Count("pk", filter=Q(status=status))
        of_trials[f"n_main_{status}"] = Count("pk", filter=main & Q(status=status))
    of_responses = {
        "n_timing_ok": Count("pk", filter=Q(timing_ok=True)),
        "n_timing_wrong": Count("pk", filter=Q(timing_ok=False)),
        "n_timing_unknown": Count("pk", filter=Q(timing_ok__isnull=True)),
        "n_by_callback": Count("pk", filter=~Q(timing_witness="element_timing")),
    }
    low = None
    for end, name in zip((*ENDS, None), NAMES, strict=True):
        within = Q(trial__status="answered", reaction_ms__isnull=False)
        within = within if low is None else within & Q(reaction_ms__gte=low)
        of_responses[f"n_{name}"] = Count("pk", filter=within if end is None else within & Q(reaction_ms__lt=end))
        low = end
    trials = {
        row.pop("sitting"): row for row in Trial.objects.order_by().values("sitting").annotate(**of_trials)
    }
    responses = {
        row.pop("trial__sitting"): row
        for row in Response.objects.order_by().values("trial__sitting").annotate(**of_responses)
    }
    rows = []
    for pk, screen in Sitting.objects.order_by().values_list("pk", "screen"):
        frame_ms = screen.get("frame_ms") if isinstance(screen, dict) else None
        rows.append(
            SittingTally(
                sitting_id=pk,
                refresh_hz=round(1000 / frame_ms) if frame_ms else None,
                **{name[2:]: n for found in (trials, responses) for name, n in found.get(pk, {}).items()},
            )
        )
    SittingTally.objects.bulk_create(rows, batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("studyapp", "0009_counters_freezes_audit")]
    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
