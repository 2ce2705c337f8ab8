"""How long a sitting takes, for people who answer in about a second and a half, after as long a look where they may."""

from statistics import mean

from studyapp.models import Study

MS_PER_TRIAL_WITHOUT_EXPOSURE = 2_200
UNTIMED_LOOK_MS = 1_500
PAGES_MINUTES = 2


def minutes(study: Study) -> int:
    """Whole minutes from the welcome to the thanks, at least 1."""
    mean_exposure_ms = mean(study.exposures_ms or [UNTIMED_LOOK_MS])
    n_trials = study.n_test_trials + study.practice_trials
    per_trial_ms = mean_exposure_ms + study.fixation_ms + study.blank_ms + MS_PER_TRIAL_WITHOUT_EXPOSURE
    return max(1, round(n_trials * per_trial_ms / 60_000) + PAGES_MINUTES)
