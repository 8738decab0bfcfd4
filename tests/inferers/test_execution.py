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
"""Tests of running a network against the plain network in single precision."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from scripts.inferers.execution import Execution
from scripts.networks import CorrelationHead, RegressionHead, ResidualEncoder, TemplateMatchingNetwork

SIZE = (64, 48)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


def make_network(head: type = CorrelationHead) -> TemplateMatchingNetwork:
    torch.manual_seed(0)
    encoders = ResidualEncoder(channels=(4, 6, 8)), ResidualEncoder(channels=(4, 6, 8))
    return TemplateMatchingNetwork(*encoders, head(*encoders))


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(1, 1, *SIZE, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def patches(image) -> torch.Tensor:
    return torch.stack([image[0, :, x : x + 16, 2 * x : 2 * x + 16] for x in (3, 9, 14)])


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def answers(matcher: Execution | TemplateMatchingNetwork, image: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    return matcher.match(matcher.encode_image(image), matcher.encode_patch(patches))


@pytest.mark.parametrize("channels_last", [True, False, None])
@pytest.mark.parametrize("head", [CorrelationHead, RegressionHead])
def test_single_precision_equals_the_plain_network(image, patches, head, channels_last):
    plain = make_network(head).eval()
    run = Execution(make_network(head), SIZE, precision="float32", channels_last=channels_last)
    with torch.no_grad():
        codes = plain.encode_image(image), plain.encode_patch(patches)
        expected = plain.match(*codes)
    torch.testing.assert_close(run.encode_image(image), codes[0], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(run.encode_patch(patches), codes[1], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(run.match(*codes), expected, atol=1e-6, rtol=1e-6)
    assert expected.std(dim=0).max() > 1e-3  # the patches' answers differ


@pytest.mark.parametrize("channels_last", [True, False])
def test_reduced_precision_is_close_and_reduced(image, patches, channels_last):
    expected = answers(Execution(make_network(), SIZE, precision="float32", measure=False), image, patches)
    run = Execution(make_network(), SIZE, precision="bfloat16", channels_last=channels_last)
    assert run.encode_image(image).dtype == torch.bfloat16
    assert run.encode_patch(patches).dtype == torch.bfloat16
    found = answers(run, image, patches)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=0.01, rtol=0)
    assert not torch.equal(found, expected)
    # the weights stay as they are: they are saved and compared elsewhere
    assert {value.dtype for value in run.state_dict().values() if value.is_floating_point()} == {torch.float32}


@pytest.mark.parametrize("precision", ["half", "float64", "", "BFLOAT16", None])
def test_another_precision_is_refused_by_name(precision):
    with pytest.raises(ValueError, match=rf"precision is {precision!r}; give auto, float32, bfloat16, float16"):
        Execution(make_network(), SIZE, precision=precision)


def test_one_kind_of_cuda_graph_is_enough():
    with pytest.raises(ValueError, match="give compile or cuda_graph"):
        Execution(make_network(), SIZE, compile=True, cuda_graph=True)


def test_single_precision_is_taken_on_the_cpu_where_nothing_is_measured():
    run = Execution(make_network(), SIZE, measure=False)
    assert run.precision == "float32"
    assert not run.cuda_graph
    assert not Execution(make_network(), SIZE, measure=False, cuda_graph=True).cuda_graph


def is_channels_last(network: torch.nn.Module) -> bool:
    weights = [p for p in network.parameters() if p.ndim == 4 and p.shape[1] > 1 and p.shape[2] > 1]
    formats = {p.is_contiguous(memory_format=torch.channels_last) for p in weights}
    assert len(formats) == 1
    return formats.pop()


@pytest.mark.parametrize(
    "given",
    [
        {"measure": False},
        {"channels_last": True, "precision": "float32"},
        {"channels_last": False, "precision": "bfloat16"},
    ],
)
def test_nothing_is_measured_where_nothing_is_to_choose(monkeypatch, given):
    network, calls = make_network(), []
    monkeypatch.setattr(network, "encode_image", lambda image: calls.append(image))
    run = Execution(network, SIZE, **given)
    assert calls == []
    assert run.channels_last is given.get("channels_last", True)
    assert is_channels_last(network) is run.channels_last


def choose(monkeypatch, times, **given):
    """An execution whose measurements are given; and the memory formats in which they were taken."""
    network, formats, left = make_network(), [], list(times)

    def measured(self, work, repeats=5):
        work()
        formats.append((self.precision, is_channels_last(network)))
        return left.pop(0)

    monkeypatch.setattr(Execution, "_median_time", measured)
    run = Execution(network, SIZE, **given)
    assert is_channels_last(network) is run.channels_last
    return run, formats


@pytest.mark.parametrize(("times", "channels_last"), [((1.0, 2.0), True), ((2.0, 1.0), False), ((1.0, 1.0), True)])
def test_the_faster_format_is_taken(monkeypatch, times, channels_last):
    run, measured = choose(monkeypatch, times, precision="float32")
    assert measured == [("float32", True), ("float32", False)]
    assert run.channels_last is channels_last


@pytest.mark.parametrize(
    ("times", "precision", "channels_last"),
    [
        ((1.0, 2.0, 0.81, 3.0), "float32", True),
        ((1.0, 2.0, 0.79, 3.0), "bfloat16", True),
        ((2.0, 1.0, 3.0, 0.81), "float32", False),
        ((2.0, 1.0, 3.0, 0.79), "bfloat16", False),
    ],
)
def test_reduced_precision_is_taken_on_the_cpu_where_it_is_faster_by_a_quarter(
    monkeypatch, times, precision, channels_last
):
    run, measured = choose(monkeypatch, times)
    assert measured == [("float32", True), ("float32", False), ("bfloat16", True), ("bfloat16", False)]
    assert (run.precision, run.channels_last) == (precision, channels_last)


@pytest.mark.parametrize("head", [CorrelationHead, RegressionHead])
@pytest.mark.parametrize("number", [1, 128, 129, 300])
def test_many_codes_are_matched_as_if_at_once(image, number, head):
    network = make_network(head)
    run = Execution(network, SIZE, precision="float32", measure=False)
    patch_codes = run.encode_patch(torch.rand(number, 1, 16, 16, generator=torch.Generator().manual_seed(1)))
    code = run.encode_image(image)
    with torch.no_grad():
        expected = network.match(code, patch_codes)
    torch.testing.assert_close(run.match(code, patch_codes), expected, atol=1e-6, rtol=1e-6)


def test_measuring_is_done_at_the_size_of_the_images(monkeypatch):
    network, shapes = make_network(), []
    encode = network.encode_image
    monkeypatch.setattr(network, "encode_image", lambda image: shapes.append(tuple(image.shape)) or encode(image))
    Execution(network, (32, 24))
    assert set(shapes) == {(1, 1, 32, 24)}


def test_threads_are_set_if_given(threads):
    Execution(make_network(), SIZE, measure=False)
    assert torch.get_num_threads() == threads
    for number in (2, 1):
        Execution(make_network(), SIZE, threads=number, measure=False)
        assert torch.get_num_threads() == number


def test_the_network_is_set_to_evaluation_and_no_graph_is_kept(image, patches):
    network = make_network().train()
    run = Execution(network, SIZE, measure=False)
    assert not network.training
    for code in (run.encode_image(image), run.encode_patch(patches), answers(run, image, patches)):
        assert not code.requires_grad


def test_the_weights_are_those_of_the_network():
    network = make_network()
    run = Execution(network, SIZE, measure=False)
    assert all(a is b for a, b in zip(run.parameters(), network.parameters(), strict=True))
    assert {k: v.data_ptr() for k, v in run.state_dict().items()} == {
        k: v.data_ptr() for k, v in network.state_dict().items()
    }


def test_compiling_is_asked_for_the_image_encoder_alone(monkeypatch, image):
    compiled = []

    def compile_(function):
        compiled.append(function)
        return lambda given: function(given) * 0 + 7

    monkeypatch.setattr(torch, "compile", compile_)
    network = make_network()
    run = Execution(network, SIZE, measure=False, compile=True)
    assert compiled == [network.encode_image]
    assert (run.encode_image(image) == 7).all()


@needs_gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_cuda_graph_answers_as_the_network_does(image, patches, precision):
    plain = Execution(make_network(), SIZE, device="cuda", precision=precision, cuda_graph=False, measure=False)
    graph = Execution(make_network(), SIZE, device="cuda", precision=precision, measure=False)
    assert graph.cuda_graph and not plain.cuda_graph
    for one in (image.cuda(), image.cuda().flip(2), image.cuda()):
        torch.testing.assert_close(graph.encode_image(one), plain.encode_image(one), atol=1e-3, rtol=1e-2)
        torch.testing.assert_close(
            answers(graph, one, patches.cuda()), answers(plain, one, patches.cuda()), atol=1e-2, rtol=1e-2
        )


@needs_gpu
def test_a_cuda_graph_overwrites_what_it_gave(image):
    run = Execution(make_network(), SIZE, device="cuda", measure=False)
    first = run.encode_image(image.cuda())
    kept = first.clone()
    second = run.encode_image(image.cuda().flip(2))
    assert first.data_ptr() == second.data_ptr()
    assert not torch.equal(first, kept)


@needs_gpu
def test_compiling_takes_the_place_of_a_cuda_graph():
    assert not Execution(make_network(), SIZE, device="cuda", compile=True, measure=False).cuda_graph
