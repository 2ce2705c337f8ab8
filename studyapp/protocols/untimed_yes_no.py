"""One picture that stays until the answer to "real or generated?" (HYPE-infinity, Zhou et al. 2019, arXiv:1904.01121).

The timed test without its times: sources by weight, shuffled as a whole, spoilt trials asked again at the end.
"""

from studyapp.protocols.timed_yes_no import next_trials

IS_TIMED = False

__all__ = ["IS_TIMED", "next_trials"]
