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

"""The bundle as Hugging Face holds it, and as the Model Zoo does where the weights lie at Hugging Face."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import yaml

__all__ = ["model_card", "write_hugging_face"]

CARD = """---
library_name: monai
license: apache-2.0
pipeline_tag: keypoint-detection
tags:
- monai
- medical
- landmark-detection
- self-supervised
---
"""
WEIGHTS = ".pt", ".ts"


def model_card(readme: str) -> str:
    """``docs/README.md`` as the page of a Hugging Face repository, in whose root it lies.

    Source: https://huggingface.co/docs/hub/model-cards

    Args:
        readme: Markdown, whose links are relative to ``docs``.

    Example:
        >>> model_card("see [how](recipe.md) and [MONAI](https://monai.io)").splitlines()[-1]
        'see [how](docs/recipe.md) and [MONAI](https://monai.io)'
    """
    return CARD + re.sub(r"\]\((?!\w+:|#)", "](docs/", readme)


def write_hugging_face(package: Path, repo: str, folder: Path, host: str = "https://huggingface.co") -> None:
    """Write ``hub``, what is uploaded to Hugging Face, and ``zoo``, the same without weights.

    ``zoo/large_files.yml`` tells where the weights are and their SHA-256, for
    ``python -m monai.bundle download_large_files``.

    Args:
        package: the zip of ``make zoo-package``.
        repo: ``owner/name`` at Hugging Face; the revision is the bundle's version.
        folder: where both go; it must not exist.
        host: where the repository is.

    Raises:
        ValueError: the repository's name is not of the form ``owner/name``.
        FileExistsError: the folder exists.

    Example:
        >>> write_hugging_face(Path("bundle.zip"), "owner/landmarks", Path("hugging_face"))  # doctest: +SKIP
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise ValueError(f"the repository is {repo!r}; give owner/name")
    if folder.exists():
        raise FileExistsError(f"{folder} exists; remove it or name another")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        made = Path(name) / "made"
        with zipfile.ZipFile(package) as file:
            file.extractall(name)
            root = Path(name) / file.namelist()[0].split("/")[0]
        shutil.copytree(root, made / "zoo")
        root.rename(made / "hub")
        readme = made / "hub" / "docs" / "README.md"
        (made / "hub" / "README.md").write_text(model_card(readme.read_text(encoding="utf-8")), encoding="utf-8")
        _point_to_weights(made / "zoo", f"{host}/{repo}")
        made.rename(folder)


def _point_to_weights(zoo: Path, url: str) -> None:
    """Replace the weights by ``large_files.yml``."""
    version = json.loads((zoo / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"]
    large = []
    for path in sorted(path for path in zoo.rglob("*") if path.suffix in WEIGHTS):
        name = path.relative_to(zoo).as_posix()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        large.append(
            {"path": name, "url": f"{url}/resolve/{version}/{name}", "hash_val": digest, "hash_type": "sha256"}
        )
        path.unlink()
    (zoo / "large_files.yml").write_text(yaml.safe_dump({"large_files": large}, sort_keys=False), encoding="utf-8")


def main() -> None:
    """``python release/hugging_face.py --package ZIP --repo OWNER/NAME --output_dir FOLDER``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", type=Path, required=True, help="the zip of 'make zoo-package'")
    parser.add_argument("--repo", required=True, help="owner/name of the repository at Hugging Face")
    parser.add_argument("--output_dir", type=Path, required=True, help="folder to make, with 'hub' and 'zoo' in it")
    arguments = parser.parse_args()
    try:
        write_hugging_face(arguments.package, arguments.repo, arguments.output_dir)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        parser.error(str(error))
    print(f"{arguments.output_dir / 'hub'} is for Hugging Face, {arguments.output_dir / 'zoo'} for the Model Zoo")


if __name__ == "__main__":
    main()
