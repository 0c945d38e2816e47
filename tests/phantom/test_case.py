from __future__ import annotations

import json

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.phantom import DIAGNOSES, make_case


@pytest.fixture(scope="module")
def cases():
    return {d: make_case(d, 3, region="cervical", kind="2d", difficulty=0) for d in DIAGNOSES}


@pytest.mark.slow
@pytest.mark.parametrize("diagnosis", [*DIAGNOSES, None])
def test_the_same_seed_gives_the_same_bits(diagnosis):
    one, two, other = (make_case(diagnosis, seed, region="cervical") for seed in (8, 8, 9))
    np.testing.assert_array_equal(one.t2.array, two.t2.array)
    np.testing.assert_array_equal(one.lesion.array, two.lesion.array)
    assert json.dumps(one.parameters) == json.dumps(two.parameters)
    assert one.t2.shape != other.t2.shape or (one.t2.array != other.t2.array).any()


@pytest.mark.parametrize("diagnosis", DIAGNOSES)
def test_a_lesion_lies_in_the_cord_and_shines(cases, diagnosis):
    case = cases[diagnosis]
    lesion, cord = case.lesion.array > 0, case.cord.array > 0
    assert lesion.any()
    assert not (lesion & ~cord).any()
    assert case.t2.array[lesion].mean() > 1.1 * case.t2.array[cord & ~lesion].mean()


@pytest.mark.slow
@pytest.mark.parametrize("orientation", ["RIP", "PSR", "LAS", "ASL", "SRA", "IPL"])
def test_the_mask_is_where_the_lesion_is_in_every_orientation(orientation):
    plain = make_case("ependymoma", 5, region="cervical", kind="2d")
    other = make_case("ependymoma", 5, region="cervical", kind="2d", orientation=orientation)
    assert other.t2.orientation.codes == orientation
    for name in ("t2", "lesion", "cord"):
        a, b = getattr(plain, name).sagittal(), getattr(other, name).sagittal()
        np.testing.assert_array_equal(a.array, b.array)
        np.testing.assert_allclose(a.affine, b.affine, atol=1e-9)


@pytest.mark.slow
def test_without_a_diagnosis_there_is_no_lesion_and_the_same_anatomy(cases):
    healthy = make_case(None, 3, region="cervical", kind="2d", difficulty=0)
    assert not healthy.lesion.array.any()
    assert healthy.parameters["protocol"] == cases["MS"].parameters["protocol"]
    assert healthy.parameters["pfirrmann"] == cases["MS"].parameters["pfirrmann"]


@pytest.mark.slow
def test_the_cord_has_the_signal_to_noise_of_the_protocol():
    case = make_case(None, 12, region="cervical", kind="3d")
    scan, cord = case.t2.sagittal().array.astype(float), case.cord.sagittal().array
    core = np.zeros(cord.shape, bool)
    core[1:-1, :, 2:-2] = cord[1:-1, :, 2:-2] & cord[2:, :, 2:-2] & cord[:-2, :, 2:-2]
    for shift in (-2, -1, 1, 2):
        core &= np.roll(cord, shift, 2).astype(bool)
    both = core[:, 6:] & core[:, :-6]
    step = (scan[:, 6:] - scan[:, :-6])[both]
    sd = np.median(np.abs(step)) / 0.6745 / np.sqrt(2)
    snr = scan[core].mean() / sd
    assert both.sum() > 200
    assert 0.4 < snr / case.parameters["protocol"]["snr"] < 1.7


@pytest.mark.slow
def test_enhancing_tumour_is_bright_on_t1c_only_where_it_enhances():
    case = next(
        c
        for c in (make_case("ependymoma", k, t1c=True, difficulty=0, kind="2d") for k in range(6))
        if any(p["enhancement"] > 0.5 for p in c.parameters["lesions"][0]["parts"])
    )
    assert case.t1c.same_grid(case.t2)
    inside, cord = case.lesion.array > 0, case.cord.array > 0
    t1c = case.t1c.array
    assert np.percentile(t1c[inside], 90) > 1.25 * np.median(t1c[cord & ~inside])
    np.testing.assert_array_equal(make_case("MS", 2).t2.array > -1, True)


@pytest.mark.slow
@pytest.mark.parametrize("region", ["cervical", "thoracic", "lumbar"])
def test_every_region_shows_its_levels_from_top_to_bottom(region):
    case = make_case("MS", 21, region=region, random_contrast=True)
    heights = list(case.levels.values())
    assert len(heights) >= 4
    assert heights == sorted(heights, reverse=True)
    assert any(name[0] == region[0].upper() for name in case.levels)


def test_parameters_are_plain_and_say_what_they_are(cases):
    text = json.dumps(cases["NMOSD"].parameters)
    assert "synthetic" in text
    assert cases["NMOSD"].parameters["lesions"][0]["visible"]


@pytest.mark.slow
@pytest.mark.parametrize("style", ["ellipsoids", "contours", "chains"])
def test_style_changes_the_lesion_and_nothing_else(style):
    options = {"region": "cervical", "kind": "2d", "style": style}
    ill = make_case("ependymoma", 3, difficulty=0, **options)
    mixed = make_case("ependymoma", 3, difficulty=0, region="cervical", kind="2d")
    assert ill.parameters["style"] == style
    assert mixed.parameters["style"] in ("ellipsoids", "contours")
    assert ill.parameters["anatomy"] == mixed.parameters["anatomy"]
    assert ill.lesion.array.any()


@pytest.mark.slow
def test_a_stricter_rule_keeps_fewer_lesions_of_the_same_scan():
    options = {"region": "cervical", "kind": "2d", "difficulty": 0.8}
    low, high = (make_case("MS", 4, visible=v, **options) for v in (0.15, 0.95))
    np.testing.assert_array_equal(low.t2.array, high.t2.array)
    assert low.lesion.array.sum() > high.lesion.array.sum()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"orientation": "RIX"}, "three letters"), ({"orientation": "RLP"}, "three letters"),
     ({"sex": "X"}, "sex"), ({"difficulty": 2}, "difficulty"), ({"region": "hip"}, "region"),
     ({"diagnosis": "flu"}, "flu"), ({"style": "cubist"}, "cubist"), ({"visible": 0}, "visible")],
)  # fmt: skip
def test_options_outside_the_list_are_refused(options, words):
    diagnosis = options.pop("diagnosis", None)
    with pytest.raises(InputError, match=words):
        make_case(diagnosis, 0, **options)


def test_the_package_brings_phantoms_when_asked():
    import spinalcord

    assert spinalcord.phantom.make_case is make_case
