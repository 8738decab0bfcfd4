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

"""Deformable registration by B-splines, with SimpleITK."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from scripts.baselines.peer_tracker import PeerTracker
from scripts.inferers.fusion import Fusion
from scripts.io.input_error import InputError, first_line

__all__ = ["BSplineRegistration"]

_BINS = 32  # of the joint histogram of mutual information
_CONVERGED, _WINDOW = 1e-4, 5  # a level ends when the metric, over so many iterations, changes less
_INSIDE = 1e-3  # px; on its very edge a B-spline transform counts a point as outside, and does not move it


@dataclass(frozen=True)
class _Fixed:
    """An example frame as SimpleITK's image, and its points (N, 2), px."""

    image: Any
    points: np.ndarray


class BSplineRegistration(PeerTracker[_Fixed]):
    """A free-form deformation from the example's frame to this one, found anew in each frame, read at the points.

    This is SimpleITK's ``ImageRegistrationMethod`` with a cubic B-spline transform and gradient descent with a line
    search: Rueckert et al. 1999, "Nonrigid registration using free-form deformations"
    (https://doi.org/10.1109/42.796284), with the mutual information of Mattes et al. 2003
    (https://doi.org/10.1109/TMI.2003.809072) as a choice. Grid and frames are coarse at first; each further level
    makes both twice as fine. One registration serves all points of an example frame. Where it fails, all its points
    are lost.

    Args:
        grid_px: distance of the grid's points on the finest level, px.
        levels: of resolution.
        iterations: of the optimiser, at most, on each level.
        metric: ``correlation``, or ``mutual_information`` where contrast differs between frames.
        share: of the pixels that the metric takes, drawn at random; 1 takes all. Mutual information wants all.
        seed: of that draw; the same seed gives the same answers.
        threads: of SimpleITK.
        fusion: see :class:`PeerTracker`.

    Raises:
        ValueError: an argument is out of range.
        InputError: SimpleITK is not installed.

    Example:
        >>> tracker = BSplineRegistration(grid_px=16, metric="mutual_information")  # doctest: +SKIP
    """

    def __init__(
        self,
        grid_px: float = 16.0,
        *,
        levels: int = 3,
        iterations: int = 20,
        metric: str = "correlation",
        share: float = 0.25,
        seed: int = 1,
        threads: int = 1,
        fusion: Fusion | None = None,
    ) -> None:
        super().__init__(fusion)
        if metric not in ("correlation", "mutual_information"):
            raise ValueError(f"the metric is correlation or mutual_information, not {metric!r}")
        if not grid_px > 0 or not 0 < share <= 1 or min(levels, iterations, threads) < 1:
            raise ValueError(
                "grid_px must be above 0, share above 0 and at most 1, and levels, iterations and threads 1 or more; "
                f"they are {grid_px}, {share}, {levels}, {iterations}, {threads}"
            )
        self.grid_px = grid_px
        self.levels = levels
        self.iterations = iterations
        self.metric = metric
        self.share = share
        self.seed = seed
        self.threads = threads
        _import_simpleitk()

    def begin(self, frame: np.ndarray, points: np.ndarray) -> _Fixed:
        """The frame as an image of SimpleITK, whose physical points are px in index order, and the points."""
        return _Fixed(_image(frame), points)

    def locate(self, kept: _Fixed, frame: np.ndarray) -> np.ndarray:
        """The points moved by the deformation (N, 2); NaN where the registration failed."""
        try:
            transform = self._register(kept.image, _image(frame))
        except RuntimeError:  # such as too little overlap: this frame is lost, and the stream goes on
            return np.full_like(kept.points, np.nan)
        known = kept.points.clip(_INSIDE, np.array(frame.shape[::-1]) - 1 - _INSIDE).astype(float)
        moved = np.array([transform.TransformPoint(point) for point in known.tolist()])
        return kept.points + (moved - known)

    def _register(self, fixed: Any, moving: Any) -> Any:
        """The transform of points of the fixed image to points of the moving one."""
        sitk = _import_simpleitk()
        factors = [2**level for level in range(self.levels)]  # from coarse to fine: times the grid's points
        coarsest = self.grid_px * factors[-1]
        grid = [max(1, round((size - 1) / coarsest)) for size in fixed.GetSize()]
        method = sitk.ImageRegistrationMethod()
        method.SetNumberOfThreads(self.threads)
        if self.metric == "correlation":
            method.SetMetricAsCorrelation()
        else:
            method.SetMetricAsMattesMutualInformation(_BINS)
        if self.share < 1:
            method.SetMetricSamplingStrategy(method.RANDOM)
            method.SetMetricSamplingPercentage(self.share, self.seed)
        method.SetInterpolator(sitk.sitkLinear)
        # not L-BFGS-B, which refuses a grid that becomes finer; the estimated rate moves points by a pixel at first
        method.SetOptimizerAsGradientDescentLineSearch(
            learningRate=1.0,
            numberOfIterations=self.iterations,
            convergenceMinimumValue=_CONVERGED,
            convergenceWindowSize=_WINDOW,
            estimateLearningRate=method.Once,
        )
        method.SetShrinkFactorsPerLevel(factors[::-1])
        method.SetSmoothingSigmasPerLevel([factor / 2 for factor in factors[::-1]])
        transform = sitk.BSplineTransformInitializer(fixed, grid, order=3)
        method.SetInitialTransformAsBSpline(transform, inPlace=True, scaleFactors=factors)
        return method.Execute(fixed, moving)


def _image(frame: np.ndarray) -> Any:
    return _import_simpleitk().GetImageFromArray(frame.astype(np.float32))


def _import_simpleitk() -> ModuleType:
    """Import SimpleITK where it is used: it is an extra."""
    try:
        import SimpleITK
    except ImportError as error:
        raise InputError(
            f"this tracker is SimpleITK's, which cannot be imported ({first_line(error)}); install it with: "
            "pip install simpleitk (the extra 'bench' of this project: pip install '.[bench]')"
        ) from error
    return SimpleITK
