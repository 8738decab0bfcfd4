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

"""Images of a DICOMweb server."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from dicomweb_client import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from label_app.landmark_datastore import LandmarkDatastore
from label_app.stale_files import FETCHING, remove_stale_files
from scripts.data.image_series import ImageSeries, find_image_series
from scripts.data.prepared_series import PrepareSeries
from scripts.io.input_error import InputError

__all__ = ["DicomWebDatastore"]

_STUDY, _SERIES, _DESCRIPTION, _MODALITY = "0020000D", "0020000E", "0008103E", "00080060"
_NOT_IMAGES = ("SR", "KO", "PR", "SEG", "RTSTRUCT", "RTPLAN", "RTRECORD", "REG", "DOC", "ECG", "HD", "AU")


class DicomWebDatastore(LandmarkDatastore):
    """The series of a DICOMweb server as images; each is fetched when it is first asked for, and kept in a folder.

    An image's id is its SeriesInstanceUID. Labels lie in the folder too, as those of a folder of images do: nothing is
    written to the server.

    Args:
        url: of the server's DICOMweb root.
        folder: where images and labels are kept; a folder of its own for each server is made in it.
        prepare: how images become the network's.
        search: which series are meant, by attributes of DICOM such as ``{"Modality": "US"}``; empty for all.
        user: name and password, where the server asks for them.

    Raises:
        InputError: the server does not answer.

    Example:
        >>> store = DicomWebDatastore("http://localhost:8042/dicom-web", "cache", prepare)  # doctest: +SKIP
        >>> store.list_images()  # doctest: +SKIP
        ['1.2.840.114340.3.8251017118051.2']
    """

    def __init__(
        self,
        url: str,
        folder: str | Path,
        prepare: PrepareSeries,
        *,
        search: Mapping[str, Any] | None = None,
        user: tuple[str, str] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.search = dict(search or {})
        self._client = DICOMwebClient(self.url, session=create_session_from_user_pass(*user) if user else None)
        self._studies: dict[str, str] = {}
        self._names: dict[str, str] = {}
        own = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        remove_stale_files(Path(folder) / own)
        super().__init__(Path(folder) / own, prepare)

    def _look(self) -> OrderedDict[str, ImageSeries | None]:
        """The server's series, those that are here already with their files: they are not fetched anew."""
        try:
            found = self._client.search_for_series(search_filters=self.search, get_remaining=True)
        except (requests.RequestException, ValueError) as error:
            raise InputError(f"{self.url} does not answer as a DICOMweb server ({type(error).__name__})") from error
        # an id becomes the name of a folder
        images = [
            one for one in found if _value(one, _MODALITY) not in _NOT_IMAGES and UID(_value(one, _SERIES)).is_valid
        ]
        # those that are gone stay in these two, for requests that began before
        self._studies.update((_value(one, _SERIES), _value(one, _STUDY)) for one in images)
        self._names.update((_value(one, _SERIES), _value(one, _DESCRIPTION)) for one in images)
        uids = sorted(_value(one, _SERIES) for one in images)
        return OrderedDict((uid, self._images.get(uid)) for uid in uids)

    def series(self, image_id: str) -> ImageSeries:
        """The files of an image, which are fetched if need be.

        Raises:
            ImageNotFoundException: the server has no such series.
            InputError: the server does not answer, or the series is no image or several.
        """
        images = self._images  # another thread may put others in their place
        image_id = self.check_id(image_id)
        if images.get(image_id) is None:
            with self._lock(image_id):
                images[image_id] = self._find(image_id) if self._fetched(image_id) else self._fetch(image_id)
        return images[image_id]

    def _fetched(self, image_id: str) -> bool:
        return (self.folder / image_id).is_dir()

    def _fetch(self, image_id: str) -> ImageSeries:
        """Fetch all files of a series into a folder that has its name when it is whole."""
        logging.getLogger(type(self).__name__).info("fetching series %s", image_id)
        try:
            instances = self._client.retrieve_series(self._studies[image_id], image_id)
        except (requests.RequestException, InvalidDicomError, ValueError) as error:
            raise InputError(f"{self.url} does not give series {image_id} ({type(error).__name__})") from error
        if not instances:
            raise InputError(f"{self.url} gives no file of series {image_id}")
        with tempfile.TemporaryDirectory(prefix=FETCHING, dir=self.folder) as unfinished:
            whole = Path(unfinished) / "whole"
            whole.mkdir()
            for number, instance in enumerate(instances):
                instance.save_as(whole / f"{number:05d}.dcm", enforce_file_format=True)
            whole.rename(self.folder / image_id)
        return self._find(image_id)

    def _find(self, image_id: str) -> ImageSeries:
        found = find_image_series(self.folder / image_id)
        if len(found) > 1:
            raise InputError(f"series {image_id} has {len(found)} images, such as slices of a stack; it must be one")
        return found[0]

    def add_image(self, image_id: str, image_filename: str, image_info: dict[str, Any]) -> str:
        """Images are added by the server.

        Raises:
            InputError: always.
        """
        raise InputError(f"send images to {self.url} itself")

    def remove_image(self, image_id: str) -> None:
        """Images are removed by the server.

        Raises:
            InputError: always.
        """
        raise InputError(f"remove images from {self.url} itself")

    def name(self) -> str:
        """The server's address."""
        return self.url

    def image_name(self, image_id: str) -> str:
        """The description of the series, or its UID where it has none; nothing is fetched for it."""
        image_id = self.check_id(image_id)
        return self._names[image_id] or image_id


def _value(attributes: Mapping[str, Any], tag: str) -> str:
    values = attributes.get(tag, {}).get("Value") or [""]
    return str(values[0])
