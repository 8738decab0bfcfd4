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

"""Coordinates, patches, intensities, and random warps of a batch."""

from scripts.transforms.coordinates import (
    index_scale_to_normalized,
    index_to_grid,
    index_to_normalized,
    normalized_scale_to_index,
    normalized_to_index,
)
from scripts.transforms.image_fit import ImageFit
from scripts.transforms.paraboloid import paraboloid_shift
from scripts.transforms.patch import extract_patches, patch_offsets
from scripts.transforms.rand_image_warp import RandImageWarp
from scripts.transforms.rand_patch_center import RandPatchCenter
from scripts.transforms.scale_intensity import (
    intensity_range,
    restore_intensity,
    scale_series_intensity,
    store_intensity,
)
from scripts.transforms.warp import RandShiftScale

__all__ = [
    "ImageFit",
    "RandImageWarp",
    "RandPatchCenter",
    "RandShiftScale",
    "extract_patches",
    "index_scale_to_normalized",
    "index_to_grid",
    "index_to_normalized",
    "intensity_range",
    "normalized_scale_to_index",
    "normalized_to_index",
    "paraboloid_shift",
    "patch_offsets",
    "restore_intensity",
    "scale_series_intensity",
    "store_intensity",
]
