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

"""Images in: data lists, readers, series and frames, examples, and the breathing phantom."""

from scripts.data.datalist_file import read_datalist, write_datalist
from scripts.data.datalist_maker import MadeDatalist, make_datalist
from scripts.data.epoch_sampler import EpochSampler
from scripts.data.example_files import check_example_file, read_example_file
from scripts.data.example_images import ExamplePoint, read_example_points
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import FoundImages, ImageSeries, find_image_series, image_series_of, select_series
from scripts.data.known_landmarks import read_known_landmarks
from scripts.data.marked_image import MarkedImage
from scripts.data.named_image import find_named_image
from scripts.data.prepared_series import PreparedSeries, PrepareSeries, prepare_series
from scripts.data.share_sampler import ShareSampler

__all__ = [
    "EpochSampler",
    "ExamplePoint",
    "FoundImages",
    "FrameDataset",
    "ImageSeries",
    "MadeDatalist",
    "MarkedImage",
    "PrepareSeries",
    "PreparedSeries",
    "SeriesImage",
    "ShareSampler",
    "check_example_file",
    "find_image_series",
    "find_named_image",
    "image_series_of",
    "make_datalist",
    "prepare_series",
    "read_datalist",
    "read_example_file",
    "read_example_points",
    "read_image_series",
    "read_known_landmarks",
    "select_series",
    "write_datalist",
]
