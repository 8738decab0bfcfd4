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

"""The three words that a found landmark says of itself."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["LandmarkStatus"]


class LandmarkStatus(StrEnum):
    """Whether to rely on where a landmark was found: the same three words in every table, answer and picture.

    Attributes:
        VALID: it was judged by limits that were learned, and is within them.
        DOUBTFUL: a limit is exceeded, or something else speaks against it, which a reason tells.
        UNCHECKED: no limits were learned that it could have been judged by.

    Example:
        >>> LandmarkStatus("doubtful"), f"{LandmarkStatus.UNCHECKED}"
        (<LandmarkStatus.DOUBTFUL: 'doubtful'>, 'unchecked')
    """

    VALID = "valid"
    DOUBTFUL = "doubtful"
    UNCHECKED = "unchecked"
