from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprodstats.reporting.colour import SIGHTS, apart, ciede2000, lab, mixed, seen
from coprodstats.reporting.style import luminance

# Table 1 of Sharma, Wu and Dalal (2005), Color Research and Application 30(1), 21-30: two colours and their
# difference. The pairs were chosen by its authors to find faults of implementations.
SHARMA = [
    ((50.0000, 2.6772, -79.7751), (50.0000, 0.0000, -82.7485), 2.0425),
    ((50.0000, 3.1571, -77.2803), (50.0000, 0.0000, -82.7485), 2.8615),
    ((50.0000, 2.8361, -74.0200), (50.0000, 0.0000, -82.7485), 3.4412),
    ((50.0000, -1.3802, -84.2814), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, -1.1848, -84.8006), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, -0.9009, -85.5211), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, 0.0000, 0.0000), (50.0000, -1.0000, 2.0000), 2.3669),
    ((50.0000, -1.0000, 2.0000), (50.0000, 0.0000, 0.0000), 2.3669),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0009), 7.1792),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0010), 7.1792),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0011), 7.2195),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0012), 7.2195),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0009, -2.4900), 4.8045),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0010, -2.4900), 4.8045),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0011, -2.4900), 4.7461),
    ((50.0000, 2.5000, 0.0000), (50.0000, 0.0000, -2.5000), 4.3065),
    ((50.0000, 2.5000, 0.0000), (73.0000, 25.0000, -18.0000), 27.1492),
    ((50.0000, 2.5000, 0.0000), (61.0000, -5.0000, 29.0000), 22.8977),
    ((50.0000, 2.5000, 0.0000), (56.0000, -27.0000, -3.0000), 31.9030),
    ((50.0000, 2.5000, 0.0000), (58.0000, 24.0000, 15.0000), 19.4535),
    ((50.0000, 2.5000, 0.0000), (50.0000, 3.1736, 0.5854), 1.0000),
    ((50.0000, 2.5000, 0.0000), (50.0000, 3.2972, 0.0000), 1.0000),
    ((50.0000, 2.5000, 0.0000), (50.0000, 1.8634, 0.5757), 1.0000),
    ((50.0000, 2.5000, 0.0000), (50.0000, 3.2592, 0.3350), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((61.2901, 3.7196, -5.3901), (61.4292, 2.2480, -4.9620), 1.8731),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((36.4612, 47.8580, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]

# colorspacious 1.1.2: cspace_convert(rgb, {"name": "sRGB1+CVD", "cvd_type": "deuteranomaly" (protanomaly,
# tritanomaly), "severity": 100}, "sRGB1"), cut to what a screen shows.
COLORSPACIOUS = {
    "#12436D": {"deuteranopia": "#223D6C", "protanopia": "#2F456F", "tritanopia": "#004D52"},
    "#F46A25": {"deuteranopia": "#B3A01F", "protanopia": "#928118", "tritanopia": "#FF495D"},
    "#542788": {"deuteranopia": "#003F86", "protanopia": "#00408B", "tritanopia": "#493E54"},
    "#A6480A": {"deuteranopia": "#7A6C04", "protanopia": "#635700", "tritanopia": "#B7313E"},
    "#28A197": {"deuteranopia": "#878C98", "protanopia": "#989897", "tritanopia": "#00A59E"},
}

colours = st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: "#{:02X}{:02X}{:02X}".format(*rgb))


@pytest.mark.parametrize(("one", "other", "published"), SHARMA)
def test_the_difference_is_the_published_one(one, other, published: float) -> None:
    # Published to four decimals.
    assert ciede2000(one, other) == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("colour", COLORSPACIOUS)
def test_eyes_without_one_kind_of_cone_see_what_another_program_says(colour: str) -> None:
    for sight, expected in COLORSPACIOUS[colour].items():
        ours = bytes.fromhex(seen(colour, sight)[1:])
        # Both round to one of 255 steps.
        assert all(abs(a - b) <= 1 for a, b in zip(ours, bytes.fromhex(expected[1:]), strict=True))


@given(colours, colours, st.sampled_from(SIGHTS))
def test_a_difference_has_no_direction_and_is_none_only_between_colours_that_look_alike(
    one: str, other: str, sight
) -> None:
    assert apart(one, other, sight) == pytest.approx(apart(other, one, sight), abs=1e-9)
    assert apart(one, one, sight) == 0
    assert (apart(one, other, "all cones") == 0) == (one == other)


@given(st.integers(0, 255))
def test_greys_look_the_same_to_all(level: int) -> None:
    grey = f"#{level:02X}{level:02X}{level:02X}"
    assert {seen(grey, sight) for sight in SIGHTS} == {grey}


@given(colours)
def test_lightness_follows_from_luminance(colour: str) -> None:
    # CIE 1976: L* = 116 (Y/Yn)^(1/3) - 16; the weights of WCAG's luminance have four digits.
    y = luminance(colour)
    expected = 116 * y ** (1 / 3) - 16 if y > (6 / 29) ** 3 else y * (29 / 3) ** 3
    assert lab(colour)[0] == pytest.approx(expected, abs=0.01)


def dull(level: int, shifts: tuple[int, int]) -> str:
    return f"#{level:02X}{level + shifts[0]:02X}{level + shifts[1]:02X}"


dull_colours = st.builds(dull, st.integers(20, 235), st.tuples(st.integers(-20, 20), st.integers(-20, 20)))


@given(dull_colours, dull_colours, st.floats(0, 1))
def test_a_mixture_lies_where_its_share_says(one: str, other: str, share: float) -> None:
    start, end, made = lab(one), lab(other), lab(mixed(one, other, share))
    for a, b, between in zip(start, end, made, strict=True):
        # Half of one of 255 steps of each channel is up to about one unit; the mixture of dull colours is
        # always one that a screen can show.
        assert between == pytest.approx(a + (b - a) * share, abs=1.0)
