"""Random names of trials, sittings and people: nothing can be read from them, and no two are alike."""

from collections import Counter

from studyapp.models import token_128
from studyapp.views.pages import TOKEN


def test_names_are_letters_and_digits_all_equally_often_at_every_place():
    names = [token_128() for _ in range(6_200)]
    assert all(TOKEN.fullmatch(name) for name in names)
    assert len(set(names)) == len(names)
    for place in range(22):
        counts = Counter(name[place] for name in names)
        # 100 of each of 62 are expected; chi-square has 61 degrees of freedom, an SD of 11.
        assert sum((counts[letter] - 100) ** 2 / 100 for letter in counts) < 61 + 7 * 11
        assert len(counts) == 62
