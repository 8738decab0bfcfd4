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

"""How a network is run for a live stream: where, in which precision, in which memory format."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

import torch

from scripts.inferers.example_bank import StorableMatcher

__all__ = ["Execution"]

_CHUNK = 128  # codes matched at once on a CPU: the heatmaps of more leave its cache, and take twice the time
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class _Network(StorableMatcher, Protocol):
    """A torch module that is a matcher."""

    def to(self, *args: Any, **kwargs: Any) -> Self: ...

    def eval(self) -> Self: ...


class Execution:
    """A network as a matcher, run as fast as the machine allows.

    Args:
        network: the network; it is moved to the device and set to evaluation.
        image_size: spatial shape of the images, px; the speed is measured and graphs are captured at it.
        device: where to run.
        precision: of the encoders: ``float32``, ``bfloat16``, ``float16``, or ``auto``: bfloat16 on a GPU that has it;
            on a CPU where it is measured to be faster by a quarter, as on those that have instructions for it; else
            float32. Codes are matched in float32 always: a heatmap's peak is read to a fraction of a cell.
        channels_last: memory format; None measures which is faster.
        compile: run the encoders by ``torch.compile``. The first frame then takes a minute, the later ones less.
        cuda_graph: replay the image encoder as one CUDA graph; None does so on a GPU. Not with ``compile``.
        threads: number of torch's threads on the CPU, for the whole process; None leaves it as it is.
        measure: measure what was left to choose, for about a second; False takes channels last, and float32 on a CPU.

    Raises:
        ValueError: there is no such precision, or a CUDA graph is asked for beside ``compile``.

    Example:
        >>> from scripts.networks import CorrelationHead, ResidualEncoder, TemplateMatchingNetwork
        >>> encoders = ResidualEncoder(), ResidualEncoder()
        >>> network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders))
        >>> tuple(Execution(network, (64, 48), measure=False).encode_image(torch.rand(1, 1, 64, 48)).shape)
        (1, 64, 16, 12)
    """

    def __init__(
        self,
        network: _Network,
        image_size: Sequence[int],
        *,
        device: torch.device | str = "cpu",
        precision: str = "auto",
        channels_last: bool | None = None,
        compile: bool = False,
        cuda_graph: bool | None = None,
        threads: int | None = None,
        measure: bool = True,
    ) -> None:
        if precision not in (*_DTYPES, "auto"):
            raise ValueError(f"precision is {precision!r}; give auto, {', '.join(_DTYPES)}")
        if compile and cuda_graph:
            raise ValueError("torch.compile makes CUDA graphs of its own; give compile or cuda_graph")
        self.device = torch.device(device)
        on_gpu = self.device.type == "cuda"
        if threads is not None:
            torch.set_num_threads(threads)
        self.network = network.to(self.device).eval()
        self.image_size = tuple(image_size)
        self._encode: Callable[[torch.Tensor], torch.Tensor] = self.network.encode_image
        precisions = self._candidates(precision)
        formats = [True, False] if channels_last is None else [channels_last]
        if not measure:
            precisions, formats = precisions[:1], formats[:1]
        self.precision, self.channels_last = self._fastest(precisions, formats)
        self._format()
        if compile:
            self._encode = torch.compile(self._encode)
        self.cuda_graph = on_gpu and not compile if cuda_graph is None else cuda_graph and on_gpu
        if self.cuda_graph:
            self._encode = _Graph(self._encode, torch.rand(1, 1, *self.image_size, device=self.device), self._autocast)

    @torch.no_grad()
    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        """Code of one image ``(1, 1, *image_size)``; with a CUDA graph the next call overwrites it."""
        with self._autocast():
            return self._encode(image)

    @torch.no_grad()
    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        """Codes of patches (N, 1, P, P)."""
        with self._autocast():
            return self.network.encode_patch(patch)

    @torch.no_grad()
    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Means and log scales (N, 4), normalised, float32, of the code of one image and N codes of patches."""
        image_code, patch_code = image_code.float(), patch_code.float()
        parts = patch_code.split(_CHUNK) if self.device.type == "cpu" else [patch_code]
        return torch.cat([self.network.match(image_code, part) for part in parts])

    def state_dict(self) -> Mapping[str, torch.Tensor]:
        """The network's weights."""
        return self.network.state_dict()

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The network's parameters."""
        return self.network.parameters()

    def _autocast(self) -> contextlib.AbstractContextManager:
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, _DTYPES[self.precision])

    def _format(self) -> None:
        self.network.to(memory_format=torch.channels_last if self.channels_last else torch.contiguous_format)

    def _candidates(self, precision: str) -> list[str]:
        """Precisions to choose from, the first one where nothing is measured."""
        if precision != "auto":
            return [precision]
        if self.device.type == "cuda":
            return ["bfloat16" if torch.cuda.is_bf16_supported() else "float32"]
        return ["float32", "bfloat16"]

    def _fastest(self, precisions: list[str], formats: list[bool]) -> tuple[str, bool]:
        """The best of all pairs; bfloat16 beside float32 only where it is worth its rounding."""
        if len(precisions) == len(formats) == 1:
            return precisions[0], formats[0]
        image = torch.rand(1, 1, *self.image_size, device=self.device)
        times = {}
        for self.precision, self.channels_last in itertools.product(precisions, formats):
            self._format()
            handicap = 1.25 if self.precision == "bfloat16" and len(precisions) > 1 else 1.0
            choice = self.precision, self.channels_last
            times[choice] = handicap * self._median_time(lambda: self.encode_image(image))
        return min(times, key=times.__getitem__)

    def _median_time(self, work: Callable[[], object], repeats: int = 5) -> float:
        times = []
        for _ in range(repeats + 2):  # the first two warm up
            start = time.perf_counter()
            work()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            times.append(time.perf_counter() - start)
        return statistics.median(times[2:])


class _Graph:
    """A function of one tensor of fixed shape, captured once and replayed; its result is overwritten by the next."""

    def __init__(
        self,
        work: Callable[[torch.Tensor], torch.Tensor],
        example: torch.Tensor,
        autocast: Callable[[], contextlib.AbstractContextManager],
    ) -> None:
        self.input = example
        self.graph = torch.cuda.CUDAGraph()
        with torch.no_grad(), torch.cuda.device(example.device):
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side), autocast():
                for _ in range(3):
                    work(self.input)
            torch.cuda.current_stream().wait_stream(side)
            with torch.cuda.graph(self.graph), autocast():
                self.output = work(self.input)

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        self.input.copy_(image)
        self.graph.replay()
        return self.output
