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
"""The live view: frames are tracked as a scanner writes them into a folder."""

from scripts.live.arrival_order import in_order_of_arrival
from scripts.live.example_frames import ExampleFrame, read_example_frames
from scripts.live.folder_watcher import Arrival, FolderWatcher
from scripts.live.frame_reader import read_frame
from scripts.live.live_csv import LiveCsv, LiveRow
from scripts.live.live_picture import LivePicture
from scripts.live.live_progress import LiveProgress
from scripts.live.live_tracking import LiveTracking
from scripts.live.stream_image import StreamImage, find_stream_images

__all__ = [
    "Arrival",
    "ExampleFrame",
    "FolderWatcher",
    "LiveCsv",
    "LivePicture",
    "LiveProgress",
    "LiveRow",
    "LiveTracking",
    "StreamImage",
    "find_stream_images",
    "in_order_of_arrival",
    "read_example_frames",
    "read_frame",
]
