"""What participants read on the pages around the test."""


def test_who_took_part_finds_the_codes_again_from_the_welcome_page(person):
    codes = person.url("thanks/")
    assert codes not in person.client.get(person.url()).content.decode()
    person.sit_through()
    assert codes in person.client.get(person.url()).content.decode()
    assert person.sitting.completion_code in person.client.get(codes).content.decode()


def test_breaks_are_promised_only_where_there_are_some(person, small_study):
    assert small_study.n_trials < small_study.break_every
    assert "with breaks" not in person.client.get(person.url()).content.decode()
    type(small_study).objects.update(break_every=10)
    assert "with breaks" in person.client.get(person.url()).content.decode()


def test_who_had_everything_erased_is_not_spoken_to_as_known(person):
    person.client.post(person.url("withdraw/"), {"data": "delete"})
    assert "thanks/" not in person.client.get(person.url()).content.decode()


def test_nobody_is_told_to_write_where_no_contact_is_known(person):
    """A study may go without a contact; then the pages name who invited people."""
    page = person.client.post(person.url("erase/"), {"receipt_code": "ABCD"}).content.decode()
    assert "the people who invited you" in page
    assert "write to us" not in page + person.client.get(person.url("test/")).content.decode()


def test_a_mistyped_receipt_code_stays_in_its_field_to_be_corrected(person):
    page = person.client.post(person.url("erase/"), {"receipt_code": "46AV-KVZ6"}).content.decode()
    assert 'value="46AV-KVZ6"' in page


def test_the_way_back_from_withdrawing_leads_to_where_the_sitting_stands(person):
    facts = {"frame_ms": 16.7, "jitter_ms": 0.1, "width_px": 390, "height_px": 844, "pixel_ratio": 3}

    def way_back() -> str:
        page = person.client.get(person.url("withdraw/")).content.decode()
        return page.partition("Go back to the test")[0].rpartition('href="')[2].partition('"')[0]

    assert way_back() == person.url("screen/")
    person.post("screen", facts | {"witness": "callback"})
    assert way_back() == person.url("examples/")
    person.block()
    assert way_back() == person.url("test/")
