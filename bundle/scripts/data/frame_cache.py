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

"""Prepared series on disk, whole or not at all."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from monai.data import PersistentDataset

from scripts.io.atomic import atomic_path

__all__ = ["FrameCache"]


class FrameCache(PersistentDataset):
    """MONAI's ``PersistentDataset``, for a folder that several processes fill, and that a run may be killed over.

    MONAI writes to the system's temporary folder and copies from there, so that another process may meet half a file,
    and a file that was left half blocks every later run. Here a file is renamed into its place, one that cannot be
    read is made anew, and files are mapped to memory: of a long series only the frame that is asked for is read.
    """

    def _cachecheck(self, item_transformed: Any) -> Any:
        name = self.hash_func(item_transformed).decode("utf-8") + self.transform_hash
        assert self.cache_dir is not None  # a cache is made for a folder
        path = self.cache_dir / f"{name}.pt"
        if path.is_file():
            try:
                return torch.load(path, weights_only=True, mmap=True)
            except Exception:  # torch raises many kinds for half a file
                path.unlink(missing_ok=True)
        prepared = self._pre_transform(deepcopy(item_transformed))
        with atomic_path(path) as temporary:
            torch.save(prepared, temporary)
        return prepared
