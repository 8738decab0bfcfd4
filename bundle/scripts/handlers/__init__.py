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

"""Ignite handlers: files and pictures of training, evaluation and inference."""

from scripts.handlers.best_weights import BestWeights
from scripts.handlers.cyclic_error_handler import CyclicErrorHandler
from scripts.handlers.evaluation_writer import EvaluationWriter
from scripts.handlers.landmark_writer import LandmarkWriter
from scripts.handlers.loss_output import LossOutput
from scripts.handlers.mlflow_artifacts import track_artifacts
from scripts.handlers.resume_handler import ResumeHandler
from scripts.handlers.training_figures import TrainingFigures
from scripts.handlers.training_summary import TrainingSummary

__all__ = [
    "BestWeights",
    "CyclicErrorHandler",
    "EvaluationWriter",
    "LandmarkWriter",
    "LossOutput",
    "ResumeHandler",
    "TrainingFigures",
    "TrainingSummary",
    "track_artifacts",
]
