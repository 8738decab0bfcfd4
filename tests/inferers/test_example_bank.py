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

import logging
import math

import pytest
import torch
import torch.nn.functional as F

from scripts.classical.ncc import NCCMatcher
from scripts.inferers.doubtful_example import DoubtfulExample
from scripts.inferers.example_bank import ExampleBank
from scripts.inferers.gradient_refinement import GradientRefinement
from scripts.inferers.multi_example_inferer import MultiExampleInferer
from scripts.networks import CorrelationHead, RegressionHead, ResidualEncoder, TemplateMatchingNetwork
from scripts.transforms.image_fit import ImageFit


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


class Astray(NCCMatcher):
    """Cross-correlation that finds the patches around bright points at the place of a lookalike, 20 px along x."""

    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        return patch

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        middle = patch_code.shape[-1] // 2
        strays = (patch_code[:, 0, middle, middle] > 1.5).unsqueeze(1)
        return super().match(image_code, patch_code) + strays * torch.tensor([2 * 20.0 / image_code.shape[2], 0, 0, 0])


def marked(*bright: tuple[int, int]) -> torch.Tensor:
    """An image whose examples at some points are found elsewhere by :class:`Astray`."""
    image = torch.rand(1, 1, 80, 60, generator=torch.Generator().manual_seed(0))
    for x, y in bright:
        image[..., x, y] = 2.0
    return image


@pytest.mark.parametrize("correct_bias", [True, False])
def test_an_example_that_is_not_found_again_is_named_with_its_distance(caplog, correct_bias):
    bank = ExampleBank(Astray(), 17, correct_bias=correct_bias)
    points = torch.tensor([[30.0, 25.0], [20.0, 40.0]])
    fit = ImageFit((160, 120), (80, 60))
    bank.add(marked((30, 25)), points, ["valve", "apex"], "/a/b.dcm", frame=3, where="b.dcm, frame 3", fit=fit)
    (doubt,) = bank.doubtful
    assert doubt == DoubtfulExample("valve", "/a/b.dcm", 3, "b.dcm, frame 3", doubt.distance, doubt.reason)
    assert doubt.distance == pytest.approx(40.0, abs=0.3)  # px of the original image
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("example 'valve' on b.dcm, frame 3, is found 40.0 px away in its own image; ")
    assert bank.biases[0].tolist() == [0.0, 0.0]
    assert bank.doubt([0]) == "its example is found 40.0 px away in its own image"
    assert bank.doubt([1]) == bank.doubt([0, 1]) == bank.doubt([]) == ""  # beside a sound one it may speak
    assert [bank.teaches(label) for label in ("valve", "apex")] == [False, True]


def test_how_far_an_example_may_be_off_goes_by_its_sigma_but_never_beyond_an_eighth_of_a_patch():
    class Off(NCCMatcher):
        """Finds its patches 2 to 12 px off, with sigmas of 1 px and of 30 px."""

        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            off = torch.tensor([2.0, 2.5, 4.5, 9.0, 12.0])
            scale = torch.tensor([1.0, 30.0, 30.0, 1.0, 30.0]) / 50
            where = (2 * (torch.tensor([[50.0, 50.0]]) + off[:, None] * torch.tensor([1.0, 0.0])) + 1) / 100 - 1
            return torch.cat([where, scale.log()[:, None].expand(-1, 2)], dim=1)

    image, points = torch.rand(1, 1, 100, 100), torch.full((5, 2), 50.0)
    for sigma_per_scale, expected in [(1.0, "abc"), (3.5, "abcd"), (0.001, "ab")]:
        bank = ExampleBank(Off(), 80, correct_bias=True, sigma_per_scale=sigma_per_scale)
        bank.add(image, points, list("abcde"))
        assert [label for label in "abcde" if bank.teaches(label)] == list(expected)
        assert (bank.biases[:, 0] != 0).tolist() == [label in expected for label in "abcde"]


def test_a_blank_part_of_an_image_cannot_be_told_from_another_even_at_the_border():
    image = torch.rand(1, 1, 80, 60, generator=torch.Generator().manual_seed(0))
    image[..., 45:, :] = 0.3
    bank = ExampleBank(NCCMatcher(), 16)
    points = torch.tensor([[62.0, 30.0], [79.4, 59.4], [20.0, 30.0]])
    bank.add(image, points, ["inside", "corner", "texture"])
    assert {one.label: one.reason for one in bank.doubtful} == dict.fromkeys(
        ("inside", "corner"), "lies on a blank part of its image"
    )


def test_a_landmark_that_is_marked_twice_in_one_frame_is_doubtful_at_both_places(image):
    at = torch.tensor([[10.5, 11.5], [20.5, 11.5], [11.0, 12.0]])
    bank = ExampleBank(NCCMatcher(), 8)
    bank.add(image, at[:1], ["apex"], "a.nii", frame=0)
    bank.add(image, at[1:2], ["apex"], "a.nii", frame=1)
    bank.add(image, at[2:], ["apex"], "a.nii", frame=0)  # within a few px: two people mark alike
    assert bank.doubtful == []
    bank.add(image, at[1:2], ["valve"], "a.nii", frame=0)
    assert bank.doubtful == []
    bank.add(image, at[1:2], ["apex"], "a.nii", frame=0)
    assert [(one.label, one.frame, one.reason[:28]) for one in bank.doubtful] == [
        ("apex", 0, "is marked twice in one frame")
    ] * 3
    assert bank.doubtful[-1].distance == pytest.approx(math.hypot(9.5, 0.5), abs=0.6)
    alone = ExampleBank(NCCMatcher(), 8)
    alone.add(image, at[:2], ["apex", "apex"])  # of one image, whatever it is called
    assert len(alone.doubtful) == 2 and alone.doubt([0, 1]).startswith("none of its examples is sound: one is marked")


def test_what_is_doubtful_stays_so_in_copies_in_files_and_under_another_name(tmp_path):
    bank = ExampleBank(Astray(), 17, correct_bias=True)
    bank.add(marked((30, 25)), torch.tensor([[30.0, 25.0], [20.0, 40.0]]), ["valve", "apex"], "a.nii", frame=2)
    bank.rename("valve", "root")
    bank.save(tmp_path / "examples.pt")
    loaded = ExampleBank(Astray(), 17, correct_bias=True)
    loaded.load(tmp_path / "examples.pt")
    for one in (bank, bank.copy(), loaded):
        assert [(doubt.label, doubt.frame) for doubt in one.doubtful] == [("root", 2)]
        assert one.doubtful == bank.doubtful
        assert one.has_example("apex", "a.nii", 2) and not one.has_example("apex", "a.nii", 1)
    bank.drop("root")
    assert bank.doubtful == [] and len(loaded.doubtful) == 1


def test_files_of_before_have_no_doubts(tmp_path, bank):
    bank.save(tmp_path / "examples.pt")
    content = torch.load(tmp_path / "examples.pt", weights_only=True)
    for name in ("points", "frames", "doubts"):
        del content[name]
    torch.save(content, tmp_path / "examples.pt")
    loaded = ExampleBank(NCCMatcher(), patch_size=8)
    loaded.load(tmp_path / "examples.pt")
    assert loaded.labels == bank.labels and loaded.doubtful == []
