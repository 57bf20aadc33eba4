"""Colours as eyes see them: how far two are apart, also without one kind of cone; and mixtures of two."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

Sight = Literal["all cones", "deuteranopia", "protanopia", "tritanopia"]
"""Full colour vision, or vision without the green, the red or the blue cones."""

SIGHTS: tuple[Sight, ...] = ("all cones", "deuteranopia", "protanopia", "tritanopia")

_Matrix = tuple[tuple[float, float, float], ...]

# Machado, Oliveira and Fernandes (2009), A physiologically-based model for simulation of color vision
# deficiency, IEEE Transactions on Visualization and Computer Graphics 15(6): severity 1.0, linear RGB.
_DEFICIENT: Mapping[str, _Matrix] = MappingProxyType(
    {
        "protanopia": (
            (0.152286, 1.052583, -0.204868),
            (0.114503, 0.786281, 0.099216),
            (-0.003882, -0.048116, 1.051998),
        ),
        "deuteranopia": (
            (0.367322, 0.860646, -0.227968),
            (0.280085, 0.672501, 0.047413),
            (-0.011820, 0.042940, 0.968881),
        ),
        "tritanopia": (
            (1.255528, -0.076749, -0.178779),
            (-0.078411, 0.930809, 0.147602),
            (0.004733, 0.691367, 0.303900),
        ),
    }
)
# IEC 61966-2-1 (sRGB) to CIE XYZ under D65.
_TO_XYZ: _Matrix = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_FROM_XYZ: _Matrix = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
_WHITE = tuple(sum(row) for row in _TO_XYZ)
_EDGE = 6 / 29
_LIGHTEST = 0.9

Triple = tuple[float, float, float]


def seen(colour: str, sight: Sight) -> str:
    """Return the colour that everyone sees as those with one kind of sight see another colour.

    Parameters
    ----------
    colour
        Hexadecimal, such as ``"#12436D"``.
    sight
        Which cones there are.

    Examples
    --------
    >>> seen("#F46A25", "all cones"), seen("#FFFFFF", "tritanopia")
    ('#F46A25', '#FFFFFF')
    """
    return _hexadecimal(_linear_as(colour, sight))


def lab(colour: str, sight: Sight = "all cones") -> Triple:
    """Return lightness (0 to 100), redness and yellowness of a colour: CIE L*a*b* under D65.

    Examples
    --------
    >>> [round(part) for part in lab("#FFFFFF")], [round(part) for part in lab("#000000")]
    ([100, 0, 0], [0, 0, 0])
    """
    x, y, z = (
        _rooted(part / white)
        for part, white in zip(_times(_TO_XYZ, _linear_as(colour, sight)), _WHITE, strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def apart(one: str, other: str, sight: Sight = "all cones") -> float:
    """Return how different two colours look: CIEDE2000, where about 1 can just be seen.

    Parameters
    ----------
    one, other
        Hexadecimal colours.
    sight
        Whose eyes look at them.

    Examples
    --------
    >>> round(apart("#000000", "#FFFFFF")), apart("#28A197", "#28A197", "protanopia")
    (100, 0.0)
    """
    return ciede2000(lab(one, sight), lab(other, sight))


def ciede2000(one: Triple, other: Triple) -> float:
    """Return the CIEDE2000 difference of two colours given as L*a*b*, with all weights 1.

    Notes
    -----
    After Sharma, Wu and Dalal (2005), The CIEDE2000 color-difference formula: implementation notes,
    supplementary test data, and mathematical observations, Color Research and Application 30(1), 21-30.

    Examples
    --------
    >>> round(ciede2000((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485)), 4)
    2.0425
    """
    (light_1, a_1, b_1), (light_2, a_2, b_2) = one, other
    grey = 0.5 * (1 - math.sqrt(_seventh((math.hypot(a_1, b_1) + math.hypot(a_2, b_2)) / 2)))
    chroma_1, hue_1 = _polar(a_1 * (1 + grey), b_1)
    chroma_2, hue_2 = _polar(a_2 * (1 + grey), b_2)
    both_coloured = chroma_1 * chroma_2 != 0
    turn = (hue_2 - hue_1 + 180) % 360 - 180 if both_coloured else 0.0
    # The formula's half turn goes forward from the first hue.
    turn = 180.0 if turn == -180 and hue_2 > hue_1 else turn
    light, chroma = (light_1 + light_2) / 2, (chroma_1 + chroma_2) / 2
    hue = _middle(hue_1, hue_2) if both_coloured else hue_1 + hue_2
    weight_hue = 1 + 0.015 * chroma * _hue_weight(hue)
    weight_light = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    by_light = (light_2 - light_1) / weight_light
    by_chroma = (chroma_2 - chroma_1) / (1 + 0.045 * chroma)
    by_hue = 2 * math.sqrt(chroma_1 * chroma_2) * math.sin(math.radians(turn / 2)) / weight_hue
    rotation = 60 * math.exp(-(((hue - 275) / 25) ** 2))
    rotated = -2 * math.sqrt(_seventh(chroma)) * math.sin(math.radians(rotation)) * by_chroma * by_hue
    return math.sqrt(max(by_light**2 + by_chroma**2 + by_hue**2 + rotated, 0.0))


def mixed(one: str, other: str, share: float) -> str:
    """Return a colour on the way from one to another, in even steps for the eye.

    Parameters
    ----------
    one, other
        Hexadecimal colours.
    share
        0 gives ``one``, 1 gives ``other``.

    Examples
    --------
    >>> mixed("#000000", "#FFFFFF", 0.0), mixed("#000000", "#FFFFFF", 0.5)
    ('#000000', '#777777')
    """
    if share in (0, 1):
        return other if share else one
    start, end = lab(one), lab(other)
    light, red, yellow = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    y = (light + 16) / 116
    xyz = [
        _squared(part) * white
        for part, white in zip((y + red / 500, y, y - yellow / 200), _WHITE, strict=True)
    ]
    return _hexadecimal(_times(_FROM_XYZ, xyz))


def shades(dark: str, n: int) -> tuple[str, ...]:
    """Return steps from almost white to a dark colour, each darker than the one before.

    Examples
    --------
    >>> shades("#000000", 2)
    ('#E2E2E2', '#000000')
    """
    light = mixed(dark, "#FFFFFF", _LIGHTEST)
    return tuple(mixed(light, dark, step / (n - 1)) for step in range(n)) if n > 1 else (dark,)


def _linear_as(colour: str, sight: Sight) -> Triple:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    if sight == "all cones":
        return linear[0], linear[1], linear[2]
    red, green, blue = (min(max(part, 0.0), 1.0) for part in _times(_DEFICIENT[sight], linear))
    return red, green, blue


def _hexadecimal(linear: Sequence[float]) -> str:
    within = [min(max(part, 0.0), 1.0) for part in linear]
    curved = [12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in within]
    return "#" + "".join(f"{round(part * 255):02X}" for part in curved)


def _times(matrix: _Matrix, vector: Sequence[float]) -> Triple:
    x, y, z = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return x, y, z


def _rooted(ratio: float) -> float:
    return ratio ** (1 / 3) if ratio > _EDGE**3 else ratio / (3 * _EDGE**2) + 4 / 29


def _squared(root: float) -> float:
    return root**3 if root > _EDGE else 3 * _EDGE**2 * (root - 4 / 29)


def _seventh(chroma: float) -> float:
    return chroma**7 / (chroma**7 + 25.0**7)


def _polar(a: float, b: float) -> tuple[float, float]:
    return math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


def _middle(one: float, other: float) -> float:
    total = one + other
    if abs(one - other) <= 180:
        return total / 2
    return (total + 360) / 2 if total < 360 else (total - 360) / 2


def _hue_weight(hue: float) -> float:
    return (
        1
        - 0.17 * math.cos(math.radians(hue - 30))
        + 0.24 * math.cos(math.radians(2 * hue))
        + 0.32 * math.cos(math.radians(3 * hue + 6))
        - 0.20 * math.cos(math.radians(4 * hue - 63))
    )
