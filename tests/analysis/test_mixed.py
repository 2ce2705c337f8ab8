"""The mixed model agrees with lme4 and MixedModels.jl, keeps its identities, and finds what was planted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from analysis import mixed
from analysis.counts import coded
from analysis.crossed import Layout, Precision
from analysis.mixed_levels import fitted_study, levels, means, population_shares, standard_deviations
from analysis.observers import Observers, simulate, true_proportions
from tests.analysis.mixed_fits import CBPP, CBPP_FIT, SALAMANDER_FIT, VERBAGG_FIT
from tests.analysis.published_cases import FOLDER

# Published fits


def test_cattle_disease_in_herds_is_fitted_as_by_lme4():
    herd, sick, size, period = np.array([row.split(",") for row in CBPP.split()], dtype=int).T
    design = np.eye(4)
    design[:, 0] = 1
    model = mixed.fit(design, period - 1, herd - 1, None, sick, size, is_full=True)
    assert model.coefficients == pytest.approx(CBPP_FIT["coefficients"], abs=2e-3)
    assert np.sqrt(np.diag(model.covariance)) == pytest.approx(CBPP_FIT["errors"], rel=0.02)
    assert model.person_sd == pytest.approx(CBPP_FIT["herd_sd"], abs=2e-3)
    assert np.isnan([model.person_group_sd, model.image_sd]).all()
    assert model.log_likelihood == pytest.approx(CBPP_FIT["log_likelihood"], abs=1e-3)


def verbal_aggression() -> dict[str, np.ndarray]:
    """The arguments of `fit` for r2 ~ anger + gender + btype + situ + mode, people and items crossed."""
    lines = (FOLDER / "verbal_aggression_answers.txt").read_text(encoding="utf-8").splitlines()
    items = [word.split("-") for word in lines[3].split()[1:]]
    people = [word.split(":") for line in lines[4:] for word in line.split()[1:]]
    rows, k = [], []
    for trait, answers in people:
        for (behaviour, situation, mode), answer in zip(items, f"{int(answers, 16):024b}", strict=True):
            of_item = (behaviour == "scold", behaviour == "shout", situation == "self", mode == "want")
            rows.append((1, float(trait[:-1]), trait[-1] == "M", *of_item))
            k.append(float(answer))
    design, cell = np.unique(np.asarray(rows, dtype=float), axis=0, return_inverse=True)
    person, item = np.repeat(np.arange(len(people)), len(items)), np.tile(np.arange(len(items)), len(people))
    return {"design": design, "cell": cell.ravel(), "person": person, "image": item, "k": np.asarray(k)}


def test_verbal_aggression_is_fitted_as_by_mixed_models():
    data = verbal_aggression()
    quick = mixed.fit(**data)
    assert quick.log_likelihood == pytest.approx(VERBAGG_FIT["log_likelihood"], abs=5e-3)
    full = mixed.fit(**data, is_full=True)
    assert full.log_likelihood == pytest.approx(VERBAGG_FIT["log_likelihood"], abs=2e-3)
    assert full.person_sd == pytest.approx(VERBAGG_FIT["person_sd"], abs=3e-3)
    assert full.image_sd == pytest.approx(VERBAGG_FIT["item_sd"], abs=3e-3)
    assert full.coefficients == pytest.approx(VERBAGG_FIT["coefficients"], abs=6e-3)
    assert np.sqrt(np.diag(full.covariance)) == pytest.approx(VERBAGG_FIT["errors"], rel=0.02)


def salamanders() -> dict[str, np.ndarray]:
    """The arguments of `fit` for mated ~ whiteside male * whiteside female, females and males crossed."""
    lines = (FOLDER / "salamanders.txt").read_text(encoding="utf-8").splitlines()
    pairs = [word.split(":") for line in lines if line[0] != "#" for word in line.split()[1:]]
    pairs = [(*pair.split("-"), mated) for pair, mated in pairs]
    females, males = ([pair[place] for pair in pairs] for place in (0, 1))
    whiteside_male, whiteside_female = (
        np.tile([name[0] == "W" for name in names], 3) for names in (males, females)
    )
    experiment = np.repeat(np.arange(3), len(pairs))
    female, male = (
        20 * experiment + np.tile(np.unique(names, return_inverse=True)[1], 3) for names in (females, males)
    )
    return {
        "design": np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]], dtype=float),
        "cell": whiteside_male + 2 * whiteside_female,
        "person": female,
        "image": male,
        "k": np.array([float(mated[place]) for place in range(3) for *_, mated in pairs]),
    }


def written_out_laplace(data: dict[str, np.ndarray], at: np.ndarray, *, is_expected: bool) -> float:
    """Laplace's log likelihood of a probit model with crossed effects, without blocks or derivatives of any kind.

    at: coefficients, then the logarithms of the two standard deviations. is_expected: by the expected information, as
    lme4 takes it, which differs from the observed one where a link is not canonical.
    """
    fixed = data["design"][data["cell"]] @ at[:-2]
    both = np.column_stack([np.eye(code.max() + 1)[code] for code in (data["person"], data["image"])])
    precision = np.repeat(np.exp(-2 * at[-2:]), [data["person"].max() + 1, data["image"].max() + 1])
    sign, effects = 2 * data["k"] - 1, np.zeros(both.shape[1])
    for _ in range(12):
        predictor = fixed + both @ effects
        score = sign * np.exp(norm.logpdf(predictor) - norm.logcdf(sign * predictor))
        observed, share = score * (score + predictor), norm.cdf(predictor)
        weight = norm.pdf(predictor) ** 2 / (share * (1 - share)) if is_expected else observed
        information = (both.T * observed) @ both + np.diag(precision)
        effects = effects + np.linalg.solve(information, both.T @ score - precision * effects)
    information = (both.T * weight) @ both + np.diag(precision)
    value = norm.logcdf(sign * predictor).sum() - precision @ effects**2 / 2
    return value + (np.log(precision).sum() - np.linalg.slogdet(information)[1]) / 2


def slopes_of(function, at: np.ndarray) -> np.ndarray:
    steps = 1e-4 * np.eye(len(at))
    return np.array([(function(at + step) - function(at - step)) / 2e-4 for step in steps])


def test_salamanders_mate_as_by_lme4_with_a_probit_link_but_for_its_expected_information():
    """One formula, written out: with expected information lme4's printed fit is its maximum, with observed one ours."""
    data = salamanders()
    theirs = np.append(
        SALAMANDER_FIT["coefficients"], np.log([SALAMANDER_FIT["female_sd"], SALAMANDER_FIT["male_sd"]])
    )
    value = written_out_laplace(data, theirs, is_expected=True)
    assert value == pytest.approx(SALAMANDER_FIT["log_likelihood"], abs=0.05)
    slopes = slopes_of(lambda at: written_out_laplace(data, at, is_expected=True), theirs)
    assert np.abs(slopes).max() < 0.1  # the printed digits are good to that

    model = mixed.fit(**data, link="probit", is_full=True)
    ours = np.append(model.coefficients, np.log([model.person_sd, model.image_sd]))
    value = written_out_laplace(data, ours, is_expected=False)
    assert value == pytest.approx(model.log_likelihood, abs=1e-6)
    slopes = slopes_of(lambda at: written_out_laplace(data, at, is_expected=False), ours)
    assert np.abs(slopes).max() < 0.02
    assert model.coefficients == pytest.approx(SALAMANDER_FIT["coefficients"], abs=0.02)


# Identities


def test_blocked_factors_solve_the_whole_system():
    """Against the same normal equations written out, with groups."""
    rng = np.random.default_rng(1)
    n_rows, n_people, n_images, n_cells = 400, 7, 20, 6
    group = np.array([0, 0, 0, 1, 1, 1])
    image = rng.integers(0, n_images, n_rows)
    cell = np.where(image < 12, rng.integers(0, 3, n_rows), rng.integers(3, 6, n_rows))
    person = rng.integers(0, n_people, n_rows)
    weight, precision = rng.random(n_rows) + 0.1, Precision(3.0, 5.0, 2.0, 0.5)
    layout = Layout.of(np.eye(n_cells), cell, person, image, group)
    score = rng.standard_normal(n_rows)
    factors = layout.factors(weight, precision)
    zero = layout.zero()
    step = factors.step(layout.gradient(score, zero, precision))

    columns = [
        np.eye(n_cells)[cell],
        np.eye(n_people)[person],
        np.eye(n_people * 2)[layout.person_group],
        np.eye(n_images)[layout.image],
    ]
    rows = np.column_stack(columns)
    sizes = [part.shape[1] for part in columns]
    diagonal = np.repeat(
        [precision.coefficient, precision.person, precision.person_group, precision.image], sizes
    )
    whole = (rows.T * weight) @ rows + np.diag(diagonal)
    solved = np.linalg.solve(whole, rows.T @ score)
    got = np.concatenate([step.coefficients, step.person, step.person_group.ravel(), step.image])
    assert got == pytest.approx(solved, abs=1e-9)
    assert factors.coefficient_covariance() == pytest.approx(np.linalg.inv(whole)[:6, :6], abs=1e-9)
    sds = np.array([precision.person, precision.person_group, precision.image]) ** -0.5
    effects = whole[6:, 6:] / np.sqrt(np.outer(diagonal[6:], diagonal[6:]))
    assert factors.log_determinant(sds) == pytest.approx(np.linalg.slogdet(effects)[1], abs=1e-8)
    of_rows, alone = factors.variances()
    of_effects, inverse = rows[:, 6:], np.linalg.inv(whole[6:, 6:])
    assert of_rows == pytest.approx(((of_effects @ inverse) * of_effects).sum(axis=1), abs=1e-9)
    found = np.concatenate([alone.person, alone.person_group.ravel(), alone.image])
    assert found == pytest.approx(np.diag(inverse), abs=1e-9)


def small_fit(link: str) -> tuple[mixed.Fit, np.ndarray]:
    """A study of 6 people with 44 coefficients, not yet fitted, and some standard deviations."""
    codes = coded(simulate(Observers(n_people=6, n_trials=88, images_per_source=40), seed=2))
    layout = Layout.of(np.eye(44), codes.cell, codes.person, codes.image, np.repeat(np.arange(4), 11))
    k, n = codes.judged_real.astype(float), np.ones(len(codes.cell))
    start = layout.factors(n, Precision(1.0, 1.0, 1.0, 1.0))
    return mixed.Fit(layout, k, n, mixed.LINKS[link], 0.1, layout.zero(), start), np.array([0.6, 0.4, 0.9])


@pytest.mark.parametrize("link", mixed.LINKS)
def test_the_gradient_of_the_coefficients_is_that_of_laplace_s_likelihood(link):
    (found, sds), at = small_fit(link), np.linspace(-1, 1, 44)
    found.laplace(sds, at)
    gradient = found.coefficient_gradient(sds)
    for place in (0, 20, 43):
        step = 1e-4 * np.eye(44)[place]
        slope = (found.laplace(sds, at + step) - found.laplace(sds, at - step)) / 2e-4
        assert gradient[place] == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize("link", mixed.LINKS)
def test_the_gradient_of_the_standard_deviations_is_that_of_laplace_s_likelihood(link):
    found, sds = small_fit(link)
    found.laplace(sds)
    gradient = found.sd_gradient(sds)
    for place in range(3):
        step = np.exp(1e-3 * np.eye(3)[place])
        slope = (found.laplace(sds * step) - found.laplace(sds / step)) / 2e-3
        assert gradient[place] == pytest.approx(slope, rel=1e-4)


def test_renaming_people_and_images_and_shuffling_rows_change_nothing():
    rows = simulate(Observers(n_people=8, n_trials=132, images_per_source=60), seed=3)
    before = fitted_study(coded(rows)).model
    shuffled = rows.sample(frac=1, random_state=1).assign(
        participant=lambda each: each["participant"].astype(str).str[::-1],
        image=lambda each: each["image"].astype(str).str[::-1],
    )
    after = fitted_study(coded(shuffled)).model
    assert after.sds == pytest.approx(before.sds, abs=2e-3)
    assert after.coefficients == pytest.approx(before.coefficients, abs=2e-3)


def test_without_effects_shares_are_those_of_the_cells():
    """No spread between people or images was planted, so levels are shares of answers, on either link."""
    rows = simulate(Observers(n_people=12, n_trials=440, person_sd=0, person_source_sd=0, image_sd=0), seed=2)
    plain = rows.groupby(["source", "exposure_ms"], observed=True)["judged_real"].mean().astype(float)
    for link in ("logit", "probit"):
        study = fitted_study(coded(rows), link)
        table = levels(study).set_index(["source", "exposure_ms"])["p"]
        assert table.to_numpy() == pytest.approx(plain.reindex(table.index).to_numpy(), abs=0.02)
        assert study.model.total_sd < 0.35


def test_a_probit_levels_over_people_has_a_closed_form():
    study = fitted_study(coded(simulate(Observers(n_people=10, n_trials=220), seed=4)), "probit")
    model = study.model
    closed = norm.cdf(model.coefficients / np.sqrt(1 + model.total_sd**2))
    assert population_shares(model)[0] == pytest.approx(closed, abs=1e-8)


@pytest.mark.parametrize("link", mixed.LINKS)
def test_each_derivative_is_that_of_the_one_before(link):
    predictor, k = np.linspace(-3, 3, 13), np.tile([0.0, 1.0, 2.0], 5)[:13]
    n, step = np.full(13, 2.0), 1e-5
    at, ahead, behind = (mixed.LINKS[link].working(predictor + by, k, n) for by in (0.0, step, -step))
    slopes = [(one - other) / (2 * step) for one, other in zip(ahead[1:], behind[1:], strict=True)]
    assert at.weight == pytest.approx(-slopes[0], abs=1e-6)
    assert at.change == pytest.approx(slopes[1], abs=1e-6)
    assert at.bend == pytest.approx(slopes[2], abs=1e-6)


# Recovery


def test_planted_standard_deviations_and_levels_are_found():
    """40 people x 660 trials; the mean over 3 seeds (long form: benchmarks/recovery.py)."""
    observers = Observers(
        n_people=40, n_trials=660, images_per_source=250, person_sd=0.55, person_source_sd=0.3, image_sd=1.0
    )
    studies = [fitted_study(coded(simulate(observers, seed))) for seed in range(3)]
    sds = np.mean([study.model.sds for study in studies], axis=0)
    # 40 people know their own SD to 0.06 a study.
    assert (np.abs(sds - [0.55, 0.3, 1.0]) < [0.12, 0.05, 0.05]).all(), sds
    truth = true_proportions(observers).mean(axis=1)
    holds = [
        (table["low"] <= truth) & (truth <= table["high"]) for table in (means(study) for study in studies)
    ]
    assert np.mean(holds) >= 0.7
    table = standard_deviations(studies[0].model)
    assert list(table["effect"]) == ["person", "person by source", "image"]
    assert ((table["low"] < table["sd"]) & (table["sd"] < table["high"])).all()


# Edges


def test_a_cell_of_one_answer_keeps_a_finite_level():
    rows = simulate(Observers(n_people=6, n_trials=132), seed=5)
    is_cell = (rows["source"] == "real") & (rows["exposure_ms"] == 2000)
    rows.loc[is_cell, "judged_real"] = True
    table = levels(fitted_study(coded(rows)))
    assert ((table["low"] > 0) & (table["low"] < table["p"]) & (table["p"] < table["high"])).all()
    assert (table["high"] <= 1).all()


def test_a_part_of_many_people_is_fitted_and_said():
    rows = simulate(Observers(n_people=12, n_trials=44), seed=6)
    study = fitted_study(coded(rows), most_people=5)
    assert study.is_part and study.n_people == 5
    assert study.model.sds == pytest.approx(fitted_study(coded(rows), most_people=5).model.sds, nan_ok=True)


def test_one_person_is_refused():
    with pytest.raises(ValueError, match="at least 2 people and 2 images, got 1"):
        fitted_study(coded(simulate(Observers(n_people=1, n_trials=88), seed=1)))


def test_an_image_in_two_groups_is_refused():
    with pytest.raises(ValueError, match="each image in one group"):
        Layout.of(np.eye(2), np.array([0, 1]), np.array([0, 0]), np.array([0, 0]), np.array([0, 1]))
