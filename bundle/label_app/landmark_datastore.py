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

"""Images of a folder and the landmarks that people and the network have set on them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import logging
import os
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from monailabel.interfaces.datastore import Datastore, DefaultLabelTag
from monailabel.interfaces.exception import ImageNotFoundException, LabelNotFoundException

from label_app.handed_out import made_suffix, original_files, write_handed_out
from label_app.image_ids import id_fault, listed_id, meant_ids
from label_app.label_file import Label, LabelPoint, check_points, label_text, parse_label, read_label
from label_app.stale_files import remove_stale_files
from label_app.zip_files import new_zip
from scripts.data.image_series import ImageSeries, find_image_series, image_series_of, image_suffix
from scripts.data.prepared_series import PreparedSeries, PrepareSeries, prepare_series
from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError
from scripts.io.strict_json import parse_object

__all__ = ["ImageExistsError", "LandmarkDatastore"]

FINAL, ORIGINAL = DefaultLabelTag.FINAL.value, DefaultLabelTag.ORIGINAL.value
TAGS = (FINAL, ORIGINAL)
Stamp = tuple[tuple[int, ...], ...]
_MADE_BY = 1  # the way in which several files become one; a file of another is made anew
LABELS = ".landmarks"  # hidden, so that it is not searched for images


class ImageExistsError(InputError):
    """An image is sent under an id that another has."""


class LandmarkDatastore(Datastore):
    """A folder of images as MONAI Label sees it, with a JSON file of landmarks for each image and tag.

    An image's id is its name in the data set (see :func:`scripts.data.find_image_series`) with ``~`` for ``/``, so
    that a series of DICOM files is one image, and images may lie in sub-folders. An id without the file's suffix means
    the same image, as long as there is one only: so an id stays good that was given with an upload. Labels lie in
    ``.landmarks/TAG/ID.json`` below the folder. There is no index beside the files that a crash could leave behind: a
    label is there when its file is, and each file is written whole or not at all. Whoever changes a label holds a
    lock, across processes too, and what was there before is kept in ``.landmarks/history``.

    Args:
        folder: the images.
        prepare: how images become the network's.
        cached_images: how many prepared images are kept in memory.

    Raises:
        InputError: the folder cannot be written to.

    Example:
        >>> store = LandmarkDatastore("images", PrepareSeries((224, 224)))  # doctest: +SKIP
        >>> store.edit_label("clip.dcm", [LabelPoint("valve", 3, 101.0, 64.5)])  # doctest: +SKIP
        >>> store.get_labeled_images()  # doctest: +SKIP
        ['clip.dcm']
    """

    def __init__(self, folder: str | Path, prepare: PrepareSeries, *, cached_images: int = 64) -> None:
        self.folder = Path(folder).resolve()
        self.prepare = prepare
        self._labels = self.folder / LABELS
        try:
            for tag in TAGS:
                (self._labels / tag).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self._labels} cannot be made ({error.strerror}); labels are kept there") from error
        remove_stale_files(self._labels)
        self._pixels = functools.lru_cache(maxsize=8)(self._read_pixels)
        self._prepared = functools.lru_cache(maxsize=cached_images)(self._prepare)
        self._images: OrderedDict[str, ImageSeries] = OrderedDict()
        self._refreshing = threading.Lock()
        self.refresh()

    # images

    def refresh(self) -> None:
        """Look for images again, while others go on with those of before.

        Raises:
            InputError: a server that has them does not answer.
        """
        with self._refreshing:  # else an older look may end after a newer one
            self._images = self._look()

    def _look(self) -> OrderedDict[str, ImageSeries]:
        try:
            found = find_image_series(self.folder)
        except InputError as error:
            logging.getLogger(type(self).__name__).warning("%s", error)
            found = []
        return self._by_id(found)

    def _by_id(self, found: Sequence[ImageSeries]) -> OrderedDict[str, ImageSeries]:
        """Each image by its id; those that could not have one of their own are left out, with a warning."""
        images: OrderedDict[str, ImageSeries] = OrderedDict()
        for one in found:
            image_id = one.name.replace("/", "~")
            reason = id_fault(image_id, images)
            if reason:
                logging.getLogger(type(self).__name__).warning("%r is left out: %s", one.name, reason)
            else:
                images[image_id] = one
        return images

    def list_images(self) -> list[str]:
        """Ids of all images, sorted by name."""
        return list(self._images)

    def series(self, image_id: str) -> ImageSeries:
        """The files of an image.

        Raises:
            ImageNotFoundException: there is none of that id.
        """
        images = self._images  # another thread may put others in their place
        return images[listed_id(image_id, images)]

    def check_id(self, image_id: str) -> str:
        """The id in the list of an image that may be named without its suffix.

        Raises:
            ImageNotFoundException: there is no image of that id, or several.
        """
        return listed_id(image_id, self._images)

    def image_name(self, image_id: str) -> str:
        """What to call an image.

        Raises:
            ImageNotFoundException: there is none of that id.
        """
        return self.series(image_id).name

    def prepared(self, image_id: str) -> PreparedSeries:
        """An image as the network sees it; the last ones asked for are kept.

        Raises:
            ImageNotFoundException: there is none of that id.
            InputError: it cannot be read.
        """
        return self._prepared(self.series(image_id), self.image_stamp(image_id))

    def _prepare(self, series: ImageSeries, stamp: Stamp) -> PreparedSeries:
        return prepare_series(series, self.prepare)

    def image_stamp(self, image_id: str) -> Stamp:
        """What changes whenever the image's files do, without reading them.

        Raises:
            ImageNotFoundException: there is none of that id.
            InputError: a file is gone.
        """
        try:
            found = [file.stat() for file in self.series(image_id).files]
        except OSError as error:
            raise InputError(f"{error.filename} cannot be read ({error.strerror}); put it back, or refresh") from error
        return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)

    def pixels(self, image_id: str) -> np.ndarray:
        """The image's own pixels, (T, X, Y), float32 in the units of its files.

        Raises:
            ImageNotFoundException, InputError: see :meth:`prepared`.
        """
        return self._pixels(self.series(image_id), self.image_stamp(image_id))

    def _read_pixels(self, series: ImageSeries, stamp: Stamp) -> np.ndarray:
        return self.prepare.read(series).frames[:, 0].numpy()

    def get_image(self, image_id: str, params: Any = None) -> io.BytesIO | None:
        """The content of :meth:`image_file`."""
        return io.BytesIO(self.image_file(image_id).read_bytes()) if self.get_image_uri(image_id) else None

    def image_file(self, image_id: str) -> Path:
        """One file that has the whole image: its own, or one made of several, which is kept until one of them changes.

        It is made of the files of a DICOM series and the like, see :func:`label_app.handed_out.made_suffix`.

        Raises:
            ImageNotFoundException: there is none of that id.
            InputError: a file is gone or cannot be read, or they cannot be one.
        """
        self.image_stamp(image_id)
        image_id, series = self.check_id(image_id), self.series(image_id)
        suffix = made_suffix(series)
        if not suffix:
            return series.files[0]
        files = original_files(series)
        told = repr([_MADE_BY, *((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)])
        made = self._labels / "handed_out" / image_id
        path = made / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}{suffix}"
        with self._file_lock(f"{image_id}.handed_out.lock"):
            if not path.is_file():
                shutil.rmtree(made, ignore_errors=True)
                write_handed_out(path, series)
        return path

    def get_image_uri(self, image_id: str) -> str:
        """Path of the image's first file, or "" where there is no such image."""
        try:
            return str(self.series(image_id).files[0])
        except ImageNotFoundException:
            return ""

    def get_image_info(self, image_id: str) -> dict[str, Any]:
        """What is kept beside an image, with its path and the name of a file to keep it in, as 3D Slicer does."""
        image_id = self.check_id(image_id)
        series = self._images.get(image_id)
        path = str(series.files[0]) if series else ""
        return {**self._kept_info(image_id), "name": self.image_name(image_id).replace("/", "~"), "path": path}

    def update_image_info(self, image_id: str, info: dict[str, Any]) -> None:
        """Add to what is kept beside an image."""
        with self._lock(image_id):
            kept = {**self._kept_info(image_id), **info}
            with atomic_path(self._info_path(image_id)) as temporary:
                temporary.write_text(json.dumps(kept), encoding="utf-8")

    def _kept_info(self, image_id: str) -> dict[str, Any]:
        """What a file says beside an image, without ``name`` and ``path``; one that is damaged says nothing."""
        path = self._info_path(image_id)
        try:
            info = parse_object(path.read_bytes(), str(path)) if path.is_file() else {}
        except InputError as error:
            logging.getLogger(type(self).__name__).warning("%s", error)
            info = {}
        return {name: value for name, value in info.items() if name not in ("name", "path")}

    def add_image(self, image_id: str, image_filename: str, image_info: dict[str, Any]) -> str:
        """Copy an image into the folder; its id in the list ends with the file's suffix.

        Raises:
            ImageExistsError: another image has the id, with or without the suffix.
            InputError: the id is that of a path or too long, or the file is no image.
        """
        suffix = image_suffix(image_filename)
        name = image_id if image_id.lower().endswith(suffix.lower()) else f"{image_id}{suffix}"
        if not name or Path(name).name != name or name.startswith("."):
            raise InputError(f"{name!r} is no name of a file; give an id without folders that begins with no dot")
        if fault := id_fault(name, ()):
            raise InputError(f"{name!r} cannot be an id: {fault}")
        image_series_of([image_filename], Path(image_filename).parent)
        with self._upload_lock():  # of several who send one id at once, one is first
            self._check_free(image_id, name)
            with atomic_path(self.folder / name) as temporary:
                shutil.copyfile(image_filename, temporary)
            self.refresh()
            if name not in self._images:
                (self.folder / name).unlink()
                raise InputError(f"{name!r} is not an image that can be used; give PNG, JPEG, TIFF, NIfTI or DICOM")
        self.update_image_info(name, image_info or {})
        return name

    def _check_free(self, image_id: str, name: str) -> None:
        """Refuse an id if it, or the name of the file that it becomes, means an image already."""
        taken = name if (self.folder / name).exists() else ""
        for one in (image_id, name):
            taken = taken or next(iter(meant_ids(one, self._images)), "")
        if taken:
            raise ImageExistsError(f"{taken!r} is there already; give another id, or remove that image first")

    def remove_image(self, image_id: str) -> None:
        """Remove the image's files and its labels; the labels stay in the history.

        Raises:
            ImageNotFoundException: there is none of that id.
        """
        image_id = self.check_id(image_id)
        series = self.series(image_id)
        for tag in self.get_labels_by_image_id(image_id):
            self.remove_label(image_id, tag)
        for file in series.files:
            file.unlink(missing_ok=True)
        shutil.rmtree(self._labels / "handed_out" / image_id, ignore_errors=True)
        self._info_path(image_id).unlink(missing_ok=True)
        self.refresh()

    # labels

    def label_path(self, image_id: str, tag: str) -> Path:
        """Where the label of an image is kept, whether it is there or not.

        Raises:
            ImageNotFoundException: there is no such image.
            LabelNotFoundException: the tag is not ``final`` or ``original``.
        """
        image_id = self.check_id(image_id)
        if tag not in TAGS:
            raise LabelNotFoundException(f"labels are tagged 'final' or 'original', not {tag!r}")
        return self._labels / tag / f"{image_id}.json"

    def label(self, image_id: str, tag: str = FINAL) -> Label:
        """The landmarks of an image; none where there is no label.

        Raises:
            ImageNotFoundException, LabelNotFoundException: see :meth:`label_path`.
            InputError: its file is damaged.
        """
        path = self.label_path(image_id, tag)
        return read_label(path) if path.is_file() else Label()

    def replace_label(
        self, image_id: str, points: Sequence[LabelPoint], tag: str = FINAL, info: dict[str, Any] | None = None
    ) -> Label:
        """Put landmarks in place of all that the label has, even of one that is damaged; that stays in the history.

        Raises:
            InputError: a landmark cannot be of the image, see :func:`label_app.label_file.check_points`, or the label
                could not be read again.
            ImageNotFoundException, LabelNotFoundException: see :meth:`label_path`.
        """
        path, image = self.label_path(image_id, tag), self.prepared(image_id)
        with self._lock(image_id):
            try:
                before = self.label(image_id, tag).info
            except InputError as error:
                logging.getLogger(type(self).__name__).warning("%s; another label takes its place", error)
                before = {}
            return self._write(path, image, points, {**before, **(info or {})})

    def edit_label(
        self,
        image_id: str,
        points: Sequence[LabelPoint] = (),
        removed: Sequence[tuple[str, int | None]] = (),
        tag: str = FINAL,
        info: dict[str, Any] | None = None,
    ) -> Label:
        """Set some landmarks and remove others; the rest stays, so that two people can work on one image.

        An image whose last landmark is removed is not labelled any more; its label stays in the history.

        Args:
            image_id: the image.
            points: take the place of those of the same name and frame.
            removed: name and frame of each.
            tag: ``final`` or ``original``.
            info: added to what is kept beside the label.

        Returns:
            The label as it is now.

        Raises:
            InputError: see :meth:`replace_label`; or the label that is there is damaged.
            ImageNotFoundException, LabelNotFoundException: see :meth:`label_path`.
        """
        path, image = self.label_path(image_id, tag), self.prepared(image_id)
        gone = set(removed)
        with self._lock(image_id):
            before = self.label(image_id, tag)
            kept = {(one.label, one.frame): one for one in before.points if (one.label, one.frame) not in gone}
            after = list((kept | {(one.label, one.frame): one for one in points}).values())
            if after or info:
                return self._write(path, image, after, {**before.info, **(info or {})})
            with self._kept_in_history(path):
                path.unlink(missing_ok=True)
            return Label()

    def _write(self, path: Path, image: PreparedSeries, points: Sequence[LabelPoint], info: dict[str, Any]) -> Label:
        """Write a label that its reader takes, and keep what was there; all else is refused before anything changes."""
        where = f"label of {path.stem}"
        check_points(points, image, where)
        label = Label(tuple(points), {**info, "ts": int(time.time()), "name": path.name})
        text = label_text(label, where)
        with self._kept_in_history(path), atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return label

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: dict[str, Any]) -> str:
        """Put a file's landmarks in place of the label's, see :func:`label_app.label_file.parse_label`.

        Returns:
            The label's id, which is the image's.

        Raises:
            InputError, ImageNotFoundException, LabelNotFoundException: see :meth:`replace_label`; then nothing changes.
        """
        self.label_path(image_id, label_tag)
        points = parse_label(Path(label_filename).read_bytes(), self.prepared(image_id), "label")
        self.replace_label(image_id, points, label_tag, label_info)
        return image_id

    def remove_label(self, label_id: str, label_tag: str) -> None:
        """Remove a label; it stays in the history.

        Raises:
            LabelNotFoundException: there is none, or see :meth:`label_path`.
        """
        path = self.label_path(label_id, label_tag)
        with self._lock(label_id):
            if not path.is_file():
                raise LabelNotFoundException(f"image {label_id!r} has no label {label_tag!r}")
            with self._kept_in_history(path):
                path.unlink()

    def get_label(self, label_id: str, label_tag: str, params: Any = None) -> io.BytesIO | None:
        """The content of a label's file."""
        uri = self.get_label_uri(label_id, label_tag)
        return io.BytesIO(Path(uri).read_bytes()) if uri else None

    def get_label_uri(self, label_id: str, label_tag: str) -> str:
        """Path of a label's file, or "" where there is none."""
        path = self.label_path(label_id, label_tag)
        return str(path) if path.is_file() else ""

    def get_labels_by_image_id(self, image_id: str) -> dict[str, str]:
        """Tags of the labels of an image, each with the label's id."""
        return {tag: image_id for tag in TAGS if self.label_path(image_id, tag).is_file()}

    def get_label_by_image_id(self, image_id: str, tag: str) -> str:
        """Id of the label with a tag, or "" where there is none."""
        return self.get_labels_by_image_id(image_id).get(tag, "")

    def get_label_info(self, label_id: str, label_tag: str) -> dict[str, Any]:
        """What is kept beside a label."""
        return self.label(label_id, label_tag).info

    def update_label_info(self, label_id: str, label_tag: str, info: dict[str, Any]) -> None:
        """Add to what is kept beside a label.

        Raises:
            LabelNotFoundException: there is no such label.
        """
        if not self.get_label_uri(label_id, label_tag):
            raise LabelNotFoundException(f"image {label_id!r} has no label {label_tag!r}")
        self.edit_label(label_id, tag=label_tag, info=info)

    def label_stamps(self, tag: str = FINAL) -> dict[str, tuple[int, int]]:
        """What changes whenever a label does, by image; without reading one."""
        with os.scandir(self._labels / tag) as entries:
            # one with a dot is not whole yet
            names = {one.name for one in entries if one.name.endswith(".json") and not one.name.startswith(".")}
        stamps = {}
        for image_id in self._images:
            if f"{image_id}.json" in names:
                with contextlib.suppress(FileNotFoundError):  # it was removed just now
                    status = self.label_path(image_id, tag).stat()
                    stamps[image_id] = status.st_mtime_ns, status.st_ino
        return stamps

    def get_labeled_images(self, label_tag: str | None = None, labels: list[str] | None = None) -> list[str]:
        """Images with a label of a tag, ``final`` where none is given, that has all these landmarks.

        A damaged label counts whatever it had: its image cannot be labelled before somebody mends it.
        """
        return [image for image in self._images if self._is_labeled(image, label_tag or FINAL, labels or [])]

    def get_unlabeled_images(self, label_tag: str | None = None, labels: list[str] | None = None) -> list[str]:
        """All other images than those of :meth:`get_labeled_images`."""
        labeled = set(self.get_labeled_images(label_tag, labels))
        return [image for image in self._images if image not in labeled]

    def _is_labeled(self, image_id: str, tag: str, labels: Sequence[str]) -> bool:
        if not self.label_path(image_id, tag).is_file():
            return False
        try:
            return not labels or set(labels) <= {point.label for point in self.label(image_id, tag).points}
        except InputError:
            return True

    # all of it

    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    def set_name(self, name: str) -> None:
        """The name is the folder's, which is not renamed."""

    def description(self) -> str:
        """What this is, in words."""
        return f"Landmarks on the images of {self.folder.name}"

    def set_description(self, description: str) -> None:
        """The description is given."""

    def datalist(self, full_path: bool = True) -> list[dict[str, str]]:
        """Image and label of each labelled image."""
        return [
            {
                name: path if full_path else str(Path(path).relative_to(self.folder))
                for name, path in (("image", self.get_image_uri(one)), ("label", self.get_label_uri(one, FINAL)))
            }
            for one in self.get_labeled_images()
        ]

    def get_dataset_archive(self, limit_cases: int | None) -> str:
        """Path of a new ZIP file with the images that have a label, and their labels."""
        files: list[Path] = []
        for one in self.get_labeled_images()[: limit_cases or None]:
            if label := self.get_label_uri(one, FINAL):  # else it was removed just now
                files += [*original_files(self.series(one)), Path(label)]
        return new_zip({str(file.relative_to(self.folder)): file for file in files})

    def status(self) -> dict[str, Any]:
        """How many images and labels there are."""
        tags = {tag: len(self.get_labeled_images(tag)) for tag in TAGS}
        return {"total": len(self._images), "completed": tags[FINAL], "label_tags": tags}

    def json(self) -> dict[str, Any]:
        """All images with their labels' tags, in the form of MONAI Label's own datastore."""
        objects = {
            one: {
                "image": {"ext": "", "info": self.get_image_info(one)},
                "labels": {
                    tag: {"ext": ".json", "info": self._listed_info(one, tag)}
                    for tag in self.get_labels_by_image_id(one)
                },
            }
            for one in self._images
        }
        return {"name": self.name(), "description": self.description(), "objects": objects}

    def _listed_info(self, image_id: str, tag: str) -> dict[str, Any]:
        """What is kept beside a label; of a damaged one what is wrong, so that the others can be listed."""
        try:
            return self.get_label_info(image_id, tag)
        except InputError as error:
            return {"error": str(error)}

    def _info_path(self, image_id: str) -> Path:
        return self._labels / "images" / f"{self.check_id(image_id)}.json"

    @contextlib.contextmanager
    def _kept_in_history(self, path: Path) -> Iterator[None]:
        """Keep what a file has before it is changed, whole or not at all, and only if it is changed."""
        if not path.is_file():
            yield
            return
        kept = self._labels / "history" / path.parent.name / f"{path.stem}.{time.time_ns()}.json"
        with atomic_path(kept) as temporary:
            shutil.copyfile(path, temporary)
        try:
            yield
        except BaseException:
            kept.unlink(missing_ok=True)  # else each try on a full disk would leave one more
            raise

    def _lock(self, image_id: str) -> FileLock:
        return self._file_lock(f"{self.check_id(image_id)}.lock")

    def _upload_lock(self) -> FileLock:
        return self._file_lock(".upload.lock")  # no id begins with a dot

    def _file_lock(self, name: str) -> FileLock:
        lock = self._labels / "locks" / name
        lock.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(lock, is_singleton=True)
