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
"""Tests of the example bank with a matcher whose codes are the patches themselves, and with the network."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from scripts.classical.ncc import NCCMatcher
from scripts.inferers.example_bank import ExampleBank
from scripts.inferers.gradient_refinement import GradientRefinement
from scripts.inferers.multi_example_inferer import MultiExampleInferer
from scripts.networks import CorrelationHead, RegressionHead, ResidualEncoder, TemplateMatchingNetwork


def make_network(seed: int = 0, head: type = CorrelationHead) -> TemplateMatchingNetwork:
    torch.manual_seed(seed)
    encoders = ResidualEncoder(channels=(4, 6, 8)), ResidualEncoder(channels=(4, 6, 8))
    return TemplateMatchingNetwork(*encoders, head(*encoders)).eval()


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(1, 1, 40, 30, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def bank(image) -> ExampleBank:
    """Four examples of three landmarks; an NCC code is the patch."""
    bank = ExampleBank(NCCMatcher(), patch_size=8)
    bank.add(image, torch.tensor([[10.5, 11.5], [20.5, 6.5]]), ["apex", "valve"])
    bank.add(image * 0.5, torch.tensor([[11.5, 12.5], [30.5, 20.5]]), ["apex", "septum"])
    return bank


def test_codes_are_those_of_the_patches_in_the_order_they_came(bank, image):
    assert bank.labels == ["apex", "valve", "septum"]
    assert [bank.select(label) for label in bank.labels] == [[0, 2], [1], [3]]
    assert len(bank) == 4
    assert [bank.count(label) for label in ("apex", "valve", "septum", "nothing")] == [2, 1, 1, 0]
    expected = [
        image[0, :, 7:15, 8:16],
        image[0, :, 17:25, 3:11],
        image[0, :, 8:16, 9:17] * 0.5,
        image[0, :, 27:35, 17:25] * 0.5,
    ]
    torch.testing.assert_close(bank.codes, torch.stack(expected), atol=1e-5, rtol=0)


def test_dropping_leaves_the_others(bank):
    before = bank.codes
    bank.drop("apex")
    assert bank.labels == ["valve", "septum"]
    assert len(bank) == 2
    assert torch.equal(bank.codes, before[[1, 3]])
    with pytest.raises(KeyError, match="no example of 'apex'"):
        bank.drop("apex")


def test_renaming_changes_the_name_and_nothing_else(bank):
    before = bank.codes
    bank.rename("apex", "tip")
    assert bank.labels == ["tip", "valve", "septum"]
    assert [bank.select(label) for label in bank.labels] == [[0, 2], [1], [3]]
    assert [bank.count("tip"), bank.count("apex")] == [2, 0]
    assert torch.equal(bank.codes, before)
    bank.rename("valve", "apex")  # the old name is free again
    assert bank.labels == ["tip", "apex", "septum"]


def test_renaming_refuses_unknown_and_taken_names(bank):
    with pytest.raises(KeyError, match="no example of 'tip'"):
        bank.rename("tip", "new")
    with pytest.raises(ValueError, match="'valve' is the name of another"):
        bank.rename("apex", "valve")
    assert bank.labels == ["apex", "valve", "septum"]


def test_a_renamed_landmark_is_saved_by_its_new_name(tmp_path, bank):
    bank.rename("septum", "wall")
    bank.save(tmp_path / "examples.pt")
    loaded = ExampleBank(NCCMatcher(), patch_size=8)
    loaded.load(tmp_path / "examples.pt")
    assert loaded.labels == ["apex", "valve", "wall"]


def test_stacked_codes_are_kept_until_the_examples_change(tmp_path, bank, image):
    bank.save(tmp_path / "examples.pt")
    first, biases = bank.codes, bank.biases
    assert bank.codes is first and bank.biases is biases
    bank.add(image, torch.tensor([[9.5, 9.5]]), ["new"])
    added = bank.codes
    assert torch.equal(added, torch.cat([first, image[:, :, 6:14, 6:14]]))
    assert len(bank.biases) == 5
    bank.drop("valve")
    assert torch.equal(bank.codes, added[[0, 2, 3, 4]])
    assert len(bank.biases) == 4
    bank.load(tmp_path / "examples.pt")
    assert torch.equal(bank.codes, first)
    assert len(bank.biases) == 4
    assert bank.codes is bank.codes


def test_a_bank_that_became_empty_has_no_codes(bank):
    _ = bank.codes
    for label in bank.labels:
        bank.drop(label)
    with pytest.raises(ValueError, match="no example; add"):
        _ = bank.codes


def test_the_examples_of_a_series_speak_for_it_alone_where_it_has_any(tmp_path, image):
    bank = ExampleBank(NCCMatcher(), patch_size=8)
    for source, labels in [("a.nii", ["apex", "valve"]), ("b.nii", ["apex"]), (None, ["apex"])]:
        bank.add(image, torch.full((len(labels), 2), 10.5), labels, source)
    bank.save(tmp_path / "examples.pt")
    loaded = ExampleBank(NCCMatcher(), patch_size=8)
    loaded.load(tmp_path / "examples.pt")
    for one in (bank, loaded):
        assert one.select("apex") == [0, 2, 3]
        assert one.select("apex", "a.nii") == [0]
        assert one.select("apex", "b.nii") == [2]
        assert one.select("apex", "c.nii") == [0, 2, 3]
        assert one.select("valve", "b.nii") == [1]
    bank.drop("valve")
    assert bank.select("apex", "b.nii") == [1]


def test_the_examples_of_a_series_can_be_left_out(image):
    bank = ExampleBank(make_network(), patch_size=16)
    for source in ("own", "other"):
        bank.add(image, torch.tensor([[20.0, 15.0], [9.0, 9.0]]), ["apex", "valve"], source)
    bank.add(image, torch.tensor([[12.0, 9.0]]), ["dome"], "own")
    assert bank.select_others("valve", "own") == [3]
    assert bank.select_others("valve", "elsewhere") == [1, 3]
    assert bank.select_others("dome", "own") == []


def test_a_copy_has_the_same_codes_and_keeps_them_when_the_first_changes(bank, image):
    codes, labels, count = bank.codes.clone(), bank.labels, len(bank)
    copy = bank.copy()
    bank.drop(labels[0])
    bank.add(image, torch.tensor([[12.0, 9.0]]), ["dome"])
    assert torch.equal(copy.codes, codes) and copy.labels == labels and len(copy) == count
    copy.drop(labels[-1])
    assert labels[-1] in bank.labels


def test_an_empty_bank_says_what_to_do():
    bank = ExampleBank(NCCMatcher(), patch_size=8)
    assert len(bank) == 0
    assert bank.labels == []
    with pytest.raises(ValueError, match="no example; add"):
        _ = bank.codes


@pytest.mark.parametrize("point", [(-0.6, 5.0), (39.6, 5.0), (5.0, -0.6), (5.0, 29.6), (29.0, 35.0)])
def test_points_outside_the_image_are_refused_and_nothing_is_added(bank, image, point):
    with pytest.raises(ValueError, match=r"'new' at .* lies outside its image"):
        bank.add(image, torch.tensor([[5.0, 5.0], list(point)]), ["fine", "new"])
    assert len(bank) == 4


@pytest.mark.parametrize("point", [(-0.5, -0.5), (39.5, 29.5)])
def test_points_on_the_edge_are_taken(bank, image, point):
    bank.add(image, torch.tensor([point]), ["corner"])
    assert bank.count("corner") == 1


def test_points_without_labels_are_refused(bank, image):
    with pytest.raises(ValueError, match="2 points and 1 labels"):
        bank.add(image, torch.zeros(2, 2), ["apex"])


def test_the_network_encodes_patches_without_a_graph(image):
    network = make_network()
    bank = ExampleBank(network, patch_size=16)
    bank.add(image, torch.tensor([[15.5, 14.5]]), ["apex"])
    expected = network.encode_patch(image[..., 8:24, 7:23])
    assert not bank.codes.requires_grad
    torch.testing.assert_close(bank.codes, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("head", [CorrelationHead, RegressionHead])
def test_saved_examples_come_back(tmp_path, image, head):
    bank = ExampleBank(make_network(head=head), patch_size=16)
    bank.add(image, torch.tensor([[15.0, 14.0], [8.0, 9.0], [20.0, 3.0]]), ["apex", "valve", "apex"])
    bank.save(tmp_path / "examples.pt")
    # the same weights, built again
    other = ExampleBank(make_network(head=head), patch_size=16)
    other.add(image, torch.tensor([[1.0, 1.0]]), ["replaced"])
    other.load(tmp_path / "examples.pt")
    assert other.labels == ["apex", "valve"]
    assert [other.select(label) for label in other.labels] == [[0, 2], [1]]
    assert torch.equal(other.codes, bank.codes)
    other.add(image, torch.tensor([[1.0, 1.0]]), ["more"])
    assert len(other) == 4


def test_a_bank_of_a_matcher_with_no_weights_comes_back(tmp_path, bank):
    bank.save(tmp_path / "examples.pt")
    other = ExampleBank(NCCMatcher(), patch_size=8)
    other.load(tmp_path / "examples.pt")
    assert torch.equal(other.codes, bank.codes)


def test_codes_of_other_weights_are_refused(tmp_path, image):
    network = make_network()
    bank = ExampleBank(network, patch_size=16)
    bank.add(image, torch.tensor([[15.0, 14.0]]), ["apex"])
    bank.save(tmp_path / "examples.pt")
    with pytest.raises(ValueError, match="other weights"):
        ExampleBank(make_network(seed=1), patch_size=16).load(tmp_path / "examples.pt")
    with torch.no_grad():
        # the smallest change of a single weight counts
        weight = next(network.patch_encoder.parameters()).view(-1)
        weight[0] = torch.nextafter(weight[0], torch.tensor(torch.inf))
    with pytest.raises(ValueError, match="other weights"):
        bank.load(tmp_path / "examples.pt")
    assert bank.labels == ["apex"]


def test_codes_of_another_patch_size_are_refused(tmp_path, bank):
    bank.save(tmp_path / "examples.pt")
    with pytest.raises(ValueError, match="patches of 8 px, not 12 px"):
        ExampleBank(NCCMatcher(), patch_size=12).load(tmp_path / "examples.pt")


def test_an_empty_bank_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match="no example"):
        ExampleBank(NCCMatcher(), patch_size=8).save(tmp_path / "examples.pt")
    assert not list(tmp_path.iterdir())


class OffByTwo(NCCMatcher):
    """Cross-correlation that errs by 2 px along x."""

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        return super().match(image_code, patch_code) + torch.tensor([2 * 2.0 / image_code.shape[2], 0, 0, 0])


@pytest.mark.parametrize(("correct_bias", "error"), [(False, 2.0), (True, 0.0)])
def test_a_bias_that_shows_in_the_examples_own_image_is_taken_off_elsewhere(correct_bias, error):
    image = torch.rand(1, 1, 60, 50, generator=torch.Generator().manual_seed(0))
    bank = ExampleBank(OffByTwo(), 17, correct_bias=correct_bias)
    bank.add(image, torch.tensor([[30.0, 25.0]]), ["a"])
    mean = MultiExampleInferer(bank)(image.roll((5, -3), (2, 3)), bank.network)[0, 0, :2]
    found = ((mean + 1) * torch.tensor([60.0, 50.0]) - 1) / 2
    torch.testing.assert_close(found, torch.tensor([35.0 + error, 22.0]), atol=0.1, rtol=0)


def test_a_second_look_moves_a_point_to_where_the_edges_are_as_in_its_examples(tmp_path):
    look = GradientRefinement(prior=100.0, weight=5000.0)
    frame = smooth_image(0)
    bank = ExampleBank(NCCMatcher(), patch_size=8, second_look=look)
    bank.add(frame, torch.tensor([[30.0, 30.0], [24.0, 40.0]]), ["apex", "valve"])
    bank.add(smooth_image(1), torch.tensor([[33.0, 28.0]]), ["tip"])
    bank.drop("apex")
    bank.save(tmp_path / "examples.pt")
    loaded = ExampleBank(NCCMatcher(), patch_size=8, second_look=look)
    loaded.load(tmp_path / "examples.pt")
    for one in (bank, loaded, bank.copy()):
        moved = one.look_again(frame, torch.tensor([[26.0, 39.0]]), [one.select("valve")])
        torch.testing.assert_close(moved, torch.tensor([[24.0, 40.0]]), atol=0.1, rtol=0)


def test_without_a_second_look_points_stay_and_its_files_are_of_no_use(tmp_path, bank):
    points = torch.tensor([[5.0, 6.0]])
    assert bank.look_again(torch.rand(1, 1, 32, 32), points, [[0]]) is points
    looking = ExampleBank(NCCMatcher(), patch_size=8, second_look=GradientRefinement())
    looking.add(smooth_image(0), torch.tensor([[30.0, 30.0]]), ["apex"])
    looking.save(tmp_path / "examples.pt")
    with pytest.raises(ValueError, match="has the second look GradientRefinement.*not None"):
        bank.load(tmp_path / "examples.pt")


def smooth_image(seed: int) -> torch.Tensor:
    noise = torch.rand(1, 1, 68, 68, generator=torch.Generator().manual_seed(seed))
    return F.avg_pool2d(noise, 5, 1)
