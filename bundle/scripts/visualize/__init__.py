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
"""Pictures of landmarks and the report that shows them; nothing here knows of networks."""

from scripts.visualize.animation import write_animation
from scripts.visualize.curves import draw_curves
from scripts.visualize.error_maps import draw_error_maps
from scripts.visualize.landmark_cases import LandmarkCase, draw_landmark_cases
from scripts.visualize.learning_curve import LearningCurve, draw_learning_curve
from scripts.visualize.matching import draw_matches
from scripts.visualize.overlay import draw_landmarks, draw_legend, label_colors, write_overlay
from scripts.visualize.reliability import draw_error_against_sigma, draw_reliability
from scripts.visualize.report import Section, Table, write_report
from scripts.visualize.short_names import use_installed_fonts
from scripts.visualize.sweep_curve import draw_sweep
from scripts.visualize.trajectory import write_trajectories

use_installed_fonts()

__all__ = [
    "LandmarkCase",
    "LearningCurve",
    "Section",
    "Table",
    "draw_curves",
    "draw_error_against_sigma",
    "draw_error_maps",
    "draw_landmark_cases",
    "draw_landmarks",
    "draw_learning_curve",
    "draw_legend",
    "draw_matches",
    "draw_reliability",
    "draw_sweep",
    "label_colors",
    "write_animation",
    "write_overlay",
    "write_report",
    "write_trajectories",
]
