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

import pytest

pytest.importorskip("monailabel")

from scripts.io.input_error import InputError


def test_a_seed_decides_and_all_images_come(app):
    chosen = [app.next_sample({"strategy": "random", "seed": seed})["id"] for seed in range(60)]
    assert chosen == [app.next_sample({"strategy": "random", "seed": seed})["id"] for seed in range(60)]
    assert set(chosen) == set(app.datastore().list_images())


def test_a_seed_is_a_number(app):
    assert app.next_sample({"strategy": "random"})["score"] == pytest.approx(1 / 6)
    with pytest.raises(InputError, match="seed"):
        app.next_sample({"strategy": "random", "seed": [1]})
