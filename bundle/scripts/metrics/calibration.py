# Copyright (c) 2026 The landmark bundle authors
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#     http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Whether sigmas tell the truth: coverage, calibration error, sharpness, and what mends them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch

__all__ = [
    "LEVELS",
    "conformal_radius",
    "coverage",
    "ellipse_radius",
    "expected_calibration_error",
    "fit_temperature",
    "radii",
    "sharpness",
    "sigma_bins",
]

LEVELS = tuple(round(0.05 * i, 2) for i in range(1, 20))
"""The confidence levels of a reliability curve, 5 % to 95 %."""
_LARGEST_SAMPLE = 100_000  # radii that a temperature is fitted to; more change it by less than a percent


def radii(errors: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
    """How many sigmas off each answer is: the radius of the ellipse of sigmas on which the truth lies.

    Args:
        errors: (N, 2), found minus true, any unit of length.
        sigmas: (N, 2), same unit, above zero.

    Returns:
        (N,), no unit: ``sqrt((e_x / sigma_x)^2 + (e_y / sigma_y)^2)``.

    Example:
        >>> radii(torch.tensor([[3.0, 8.0]]), torch.tensor([[1.0, 2.0]]))
        tensor([5.])
    """
    return (errors / sigmas).norm(dim=1)


def _gaussian_radius(levels: np.ndarray) -> np.ndarray:
    """Radius that holds a share of a normal distribution in two dimensions: chi with 2 degrees of freedom."""
    return np.sqrt(-2.0 * np.log1p(-levels))


def _laplace_radius(levels: np.ndarray) -> np.ndarray:
    """The same of two independent Laplace distributions of variance 1."""
    return np.interp(levels, *_laplace_table())


@cache
def _laplace_table() -> tuple[np.ndarray, np.ndarray]:
    """Share held and radius, by numerical integration.

    P(r) = integral over x from 0 to r of f(x) F(sqrt(r^2 - x^2)), with |x| and |y| exponential of rate sqrt(2).
    """
    rate = math.sqrt(2.0)
    radius = np.linspace(0.0, 16.0, 3201)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    # x = r sin(t) takes the root out of the integrand's end
    angle = math.pi / 4 * (nodes + 1.0)
    x, y = radius[:, None] * np.sin(angle), radius[:, None] * np.cos(angle)
    held = (rate * np.exp(-rate * x) * -np.expm1(-rate * y) * y) @ weights * math.pi / 4
    return held, radius


_RADIUS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"gaussian": _gaussian_radius, "laplace": _laplace_radius}


def ellipse_radius(level: float | np.ndarray, distribution: str = "gaussian") -> np.ndarray:
    """Radius, in sigmas, of the ellipse that holds a share ``level`` of a distribution.

    Args:
        level: share, in [0, 1).
        distribution: ``gaussian``, or ``laplace`` for independent axes.

    Raises:
        ValueError: there is no such distribution.

    Example:
        >>> round(float(ellipse_radius(0.95)), 3)
        2.448
    """
    if distribution not in _RADIUS:
        raise ValueError(f"distribution is {distribution!r}; give one of {', '.join(_RADIUS)}")
    return _RADIUS[distribution](np.asarray(level, dtype=float))


def coverage(radii: torch.Tensor, level: float, distribution: str = "gaussian") -> float:
    """Share of truths inside the ellipse that should hold a share ``level`` of them.

    Args:
        radii: (N,), see :func:`radii`.
        level: confidence, in [0, 1).
        distribution: what the sigmas are of.

    Example:
        >>> coverage(torch.tensor([0.5, 1.0, 2.0, 9.0]), 0.95)
        0.75
    """
    return (radii <= float(ellipse_radius(level, distribution))).double().mean().item()


def expected_calibration_error(radii: torch.Tensor, distribution: str = "gaussian") -> float:
    """Mean distance of coverage from confidence over :data:`LEVELS` (Kuleshov et al. 2018, with absolute distances).

    https://proceedings.mlr.press/v80/kuleshov18a.html

    Args:
        radii: (N,), see :func:`radii`.
        distribution: what the sigmas are of.

    Returns:
        0 for calibrated sigmas, 0.5 for sigmas that are far too small or far too large.

    Example:
        >>> round(expected_calibration_error(torch.full((10,), 1e9)), 3)
        0.5
    """
    return float(np.mean([abs(coverage(radii, level, distribution) - level) for level in LEVELS]))


def fit_temperature(radii: torch.Tensor, distribution: str = "gaussian") -> float:
    """The factor on all sigmas that makes :func:`expected_calibration_error` smallest.

    The likelihood's own factor, the root mean square of error over sigma, is ruled by the few patches that are found at
    the wrong end of the image; coverage counts them once each.

    Args:
        radii: (N,), see :func:`radii`.
        distribution: what the sigmas are of.

    Returns:
        A factor above zero; NaN for no radius, or where some are not finite.

    Example:
        >>> z = torch.randn(20000, 2, generator=torch.Generator().manual_seed(0))
        >>> abs(fit_temperature(radii(3 * z, torch.ones_like(z))) - 3) < 0.05
        True
    """
    if not len(radii):
        return math.nan
    radii = radii[:: math.ceil(len(radii) / _LARGEST_SAMPLE)].double()
    # dividing each level's own radius into the observed quantile gives the factor that is right at that level;
    # the best one for all levels lies between them
    levels = np.array(LEVELS)
    observed = torch.quantile(radii, torch.tensor(levels, dtype=torch.float64)).numpy()
    factors = np.maximum(observed / ellipse_radius(levels, distribution), 1e-6)
    candidates = np.geomspace(factors.min(), factors.max(), 101)
    errors = [expected_calibration_error(radii / factor, distribution) for factor in candidates]
    return float(candidates[int(np.argmin(errors))])


def conformal_radius(radii: torch.Tensor, level: float) -> float:
    """Radius, in sigmas, that holds a new truth with at least the probability ``level`` (split-conformal prediction).

    Whatever the distribution is, as long as the new case is drawn like those here (Vovk et al. 2005; Angelopoulos and
    Bates 2021, https://arxiv.org/abs/2107.07511, section 1).

    Args:
        radii: (N,), of cases that nothing was fitted to, see :func:`radii`.
        level: probability, in (0, 1).

    Returns:
        The ceil((N + 1) level)-th smallest radius; infinite where N is too small for that level.

    Example:
        >>> conformal_radius(torch.arange(1.0, 20.0), 0.9)  # the 18th of 19
        18.0
    """
    rank = math.ceil((len(radii) + 1) * level - 1e-9)  # 100 * 0.07 is a little more than 7 in floats
    return math.inf if rank > len(radii) else radii.sort().values[rank - 1].item()


def sharpness(sigmas: torch.Tensor) -> float:
    """Mean radius of the circles with the area of the one-sigma ellipses, in the unit of sigmas (N, 2).

    Example:
        >>> sharpness(torch.tensor([[1.0, 4.0], [3.0, 3.0]]))
        2.5
    """
    return sigmas.double().prod(dim=1).sqrt().mean().item()


def sigma_bins(errors: torch.Tensor, sigmas: torch.Tensor, bins: int = 10) -> tuple[list[float], list[float]]:
    """Error against sigma: answers in bins of equal number by their sigma.

    Args:
        errors: (N, 2), found minus true.
        sigmas: (N, 2), same unit.
        bins: number of bins; fewer where there are fewer answers.

    Returns:
        Root mean square sigma and root mean square error of each bin, an axis; equal where sigma tells the truth.

    Example:
        >>> sigma_bins(torch.tensor([[1.0, 1.0], [2.0, 2.0]]), torch.tensor([[1.0, 1.0], [4.0, 4.0]]), bins=2)
        ([1.0, 4.0], [1.0, 2.0])
    """
    order = sigmas.square().sum(dim=1).argsort()
    parts = [part for part in order.tensor_split(bins) if len(part)]
    root = [[values[part].double().square().mean().sqrt().item() for part in parts] for values in (sigmas, errors)]
    return root[0], root[1]
