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

"""Trained weights as files that run without this bundle: TorchScript and ONNX."""

from scripts.export.agreement import Agreement, Difference
from scripts.export.network_export import NetworkExport
from scripts.export.onnx_graph import OnnxGraph, export_onnx
from scripts.export.torchscript import export_torchscript
from scripts.export.tracking_graphs import EncodeExample, TrackFrame

__all__ = [
    "Agreement",
    "Difference",
    "EncodeExample",
    "NetworkExport",
    "OnnxGraph",
    "TrackFrame",
    "export_onnx",
    "export_torchscript",
]
