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

"""What a tracked training uploads to MLflow besides its figures: pictures, tables and weights."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from monai.handlers import MLFlowHandler

__all__ = ["track_artifacts"]


def track_artifacts(handlers: list[Any], paths: Sequence[str | os.PathLike[str]]) -> list[Any]:
    """Have each ``MLFlowHandler`` among a trainer's handlers upload further files when the training ends.

    ``--tracking mlflow`` appends such a handler to the list that a config names; without it, nothing is changed. All
    files arrive side by side under their names, those of a folder and of its folders, too. What other handlers write
    when training ends is uploaded if they stand before it.

    Args:
        handlers: the trainer's handlers.
        paths: files and folders; what is not there when the training ends is left out. A folder must not hold the
            store itself (``mlruns``), which would be uploaded into itself.

    Returns:
        The same list.

    Example:
        >>> from monai.handlers import StatsHandler
        >>> handlers = [StatsHandler()]
        >>> track_artifacts(handlers, ["models/model.pt"]) is handlers
        True
    """
    for handler in handlers:
        if isinstance(handler, MLFlowHandler):
            handler.artifacts = (*handler.artifacts, *(os.fspath(path) for path in paths))
    return handlers
