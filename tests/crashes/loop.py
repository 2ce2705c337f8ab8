"""The crash loop itself: people answer while the server is killed and the network cuts connections."""

import time
from concurrent.futures import Future, ThreadPoolExecutor

from tests.crashes.audit import Audit, audited
from tests.crashes.people import Diary, Hurried, Person
from tests.crashes.proxy import CuttingProxy
from tests.crashes.site import Site

AT_ONCE = 8
CUT_SHARE = 0.3
LONGEST_S = 1800.0


def trials_a_sitting(n_responses: int) -> int:
    """Main trials that each person must have for all of them to give so many answers (4 are practice)."""
    return max(8, -(-n_responses // AT_ONCE) - 4)


def crash_loop(site: Site, *, n_responses: int, n_kills: int, seed: int = 1) -> Audit:
    """`n_responses` acknowledged by a server that is killed `n_kills` times, evenly spread over them.

    Starts the site and ends it, with a last kill that nobody waits for.
    """
    site.start()
    proxy, stopped, diary = CuttingProxy(site.port, CUT_SHARE, seed), Hurried(), Diary()
    people = [
        Person(f"http://127.0.0.1:{proxy.port}", seed * 1000 + i, stopped, diary) for i in range(AT_ONCE)
    ]
    deadline_s = time.monotonic() + LONGEST_S
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="person") as pool:
        sittings = [pool.submit(person.sit) for person in people]
        try:
            for kill in range(1, n_kills + 1):
                _wait_for(site, diary, sittings, kill * n_responses // (n_kills + 1), deadline_s)
                site.kill()
                site.start()
            _wait_for(site, diary, sittings, n_responses, deadline_s)
            # The last answers may not be on disk yet if they were acknowledged too early.
            site.kill()
        finally:
            stopped.set()
            site.close()
            proxy.close()
    for sitting in sittings:
        sitting.result()
    return audited(site, diary, proxy.cuts)


def _wait_for(
    site: Site, diary: Diary, sittings: list[Future[None]], n_acknowledged: int, deadline_s: float
) -> None:
    """Until so many answers are acknowledged, or everybody is done. A person's failure is ours."""
    while len(diary.acknowledged) < n_acknowledged and not all(sitting.done() for sitting in sittings):
        assert site.process is not None
        assert site.process.poll() is None, site.log.read_text()[-3000:]
        assert time.monotonic() < deadline_s, f"only {len(diary.acknowledged)} answers in {LONGEST_S:.0f} s"
        for sitting in sittings:
            if sitting.done():
                sitting.result()
        time.sleep(0.005)
