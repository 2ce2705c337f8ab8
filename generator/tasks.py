"""The door between the queue and the models: a task makes the images of one slice and hands them over.

The web asks for it by name with the slice's id; leases, attempts and errors are rows of the site.
"""

from pathlib import Path

from celery import shared_task

from studyapp import catalogue


@shared_task(name="generator.generate_slice")
def generate_slice(slice_id: int) -> None:
    """Generate the images of job slice `slice_id`; the last slice done completes the image set."""
    from generator.sampling import sample_to_zip

    with catalogue.held_slice(slice_id) as work:
        if work is None:
            return
        work.out.parent.mkdir(parents=True, exist_ok=True)
        sample_to_zip(
            work.checkpoint,
            count=work.last - work.first,
            seed=work.seed,
            out=work.out,
            first=work.first,
            progress=work.report,
        )
    complete_job(work.job_id)


def complete_job(job_id: int) -> None:
    """Join the parts once the last slice is done; two workers may both do it, to the same bytes."""
    from generator.image_set import merge

    parts = catalogue.parts_when_complete(job_id)
    if parts is None:
        return
    whole: Path = parts[0].with_name("whole.zip")
    merge(parts, whole)
    catalogue.register_generated(job_id, whole)
