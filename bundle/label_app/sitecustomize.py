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

"""Let MONAI Label 0.8.5 start beside pydicom 3.

It imports pydicom-seg 0.4.1, which asks pydicom for a module that version 3 has no more. Python runs this file when it
starts, as this folder is on ``PYTHONPATH``: so it does in the processes that the server starts for its tasks too.
"""

import sys
import types

import pydicom.uid

_gone = types.ModuleType("pydicom._storage_sopclass_uids")
_gone.SegmentationStorage = pydicom.uid.SegmentationStorage
sys.modules.setdefault(_gone.__name__, _gone)
