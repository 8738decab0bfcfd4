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

"""How Sphinx makes the API pages: ``make api``."""

import json
import sys
from pathlib import Path

BUNDLE = Path(__file__).parents[1] / "bundle"
sys.path.insert(0, str(BUNDLE))

project = "Label-free landmark template matching"
author = "The landmark bundle authors"
copyright = "2026, The landmark bundle authors"
version = release = json.loads((BUNDLE / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"]

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
templates_path = ["_templates"]
exclude_patterns = ["_templates"]
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"  # as MONAI's own documentation
html_title = f"Landmarks {version}"
html_theme_options = {"navbar_center": []}
html_sidebars = {"**": ["globaltoc.html"]}
html_show_sourcelink = False
