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
"""Tests of what a report tells of data, weights and software."""

from __future__ import annotations

import hashlib
import platform

import pytest
import torch

from scripts.classical import NCCMatcher
from scripts.evaluation.run_description import describe_run
from scripts.networks import CorrelationHead, ResidualEncoder, TemplateMatchingNetwork


@pytest.fixture
def images(tmp_path, write_frames):
    write_frames(tmp_path / "data" / "1_a.nii", [(0, 0)] * 3)
    write_frames(tmp_path / "data" / "1_b.nii", zoom=2)
    write_frames(tmp_path / "data" / "2_a.png", zoom=2)
    return tmp_path / "data"


def test_the_data_are_counted(images, frame_dataset):
    about = dict(describe_run(frame_dataset(images), NCCMatcher(), 9)["Data"])
    assert about["Series"] == "3"
    assert about["Images"] == "5"
    assert about["Patients"] == "2"
    assert about["Formats"] == "nifti, raster"
    assert about["Sizes"] == "56 x 56 px (2), 28 x 28 px (1)"
    assert about["Size at the network"] == "28 x 28 px, patches of 9 px"


def test_patients_that_nobody_told_are_not_made_up(tmp_path, write_frames, frame_dataset):
    write_frames(tmp_path / "a.nii")
    assert (
        dict(describe_run(frame_dataset(tmp_path), NCCMatcher(), 9)["Data"])["Patients"] == "not told by the data list"
    )


def test_the_three_most_common_sizes_are_named(images, write_frames, frame_dataset):
    for i in range(2):
        write_frames(images / f"3_{i}.nii", shape=(28, 20 - i))
    sizes = dict(describe_run(frame_dataset(images), NCCMatcher(), 9)["Data"])["Sizes"]
    assert sizes.startswith("56 x 56 px (2), ") and sizes.endswith(" and others")
    assert sizes.count("px") == 3


def test_the_network_is_named_and_its_parameters_counted(images, frame_dataset):
    encoders = ResidualEncoder(channels=(4, 6, 8)), ResidualEncoder(channels=(4, 6, 8))
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders))
    about = dict(describe_run(frame_dataset(images), network, 9)["Weights"])
    assert about["Network"] == "TemplateMatchingNetwork, ResidualEncoder, CorrelationHead"
    assert about["Parameters"].replace(",", "") == str(sum(one.numel() for one in network.parameters()))
    plain = dict(describe_run(frame_dataset(images), torch.nn.Linear(1000, 2), 9)["Weights"])
    assert plain == {"Network": "Linear", "Parameters": "2,002"}


def test_a_file_of_weights_is_told_by_its_hash(images, frame_dataset, tmp_path):
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"some weights")
    about = dict(describe_run(frame_dataset(images), NCCMatcher(), 9, weights)["Weights"])
    assert (about["Name"], about["File"]) == ("model.pt", str(weights))
    assert about["SHA-256"] == hashlib.sha256(b"some weights").hexdigest()
    for missing in (None, tmp_path / "none.pt"):
        assert "File" not in dict(describe_run(frame_dataset(images), NCCMatcher(), 9, missing)["Weights"])


def test_versions_are_those_that_run(images, frame_dataset):
    versions = dict(describe_run(frame_dataset(images), NCCMatcher(), 9)["Versions"])
    assert versions["Python"] == platform.python_version()
    assert versions["Pytorch"] == torch.__version__
    assert "MONAI" in versions and "System" in versions
