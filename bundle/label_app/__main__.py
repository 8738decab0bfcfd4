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

"""Start the server: ``python -m label_app --studies FOLDER --ckpt_path MODEL``."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import runpy
import sys
from difflib import get_close_matches
from pathlib import Path

from label_app.known_host import ALLOWED_HOSTS

APP = Path(__file__).resolve().parent
_EPILOG = "All other options are those of 'monailabel start_server'."


def main(arguments: list[str] | None = None) -> None:
    """Start MONAI Label's server with this app; options that are not ours are MONAI Label's own.

    Raises:
        SystemExit: the folder or the weights are not there, or there is no setting of a name.

    Example:
        >>> main(["--studies", "images", "--ckpt_path", "models/model.pt"])  # doctest: +SKIP
    """
    parser = argparse.ArgumentParser(
        prog="python -m label_app",
        description=__doc__,
        epilog=_EPILOG,
        allow_abbrev=False,  # --conf is MONAI Label's, and no short form of ours
    )
    parser.add_argument("--studies", required=True, help="folder of images, or address of a DICOMweb server")
    parser.add_argument("--ckpt_path", required=True, help="weights of the network")
    parser.add_argument("--config_file", action="append", default=[], help="config that was merged in training; repeat")
    parser.add_argument("--set", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="config value")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this computer only)")
    parser.add_argument(
        "--allow_host", action="append", default=[], metavar="NAME", help="another name of this computer; repeat"
    )
    parser.add_argument("--port", default=8000, type=int)
    options, others = parser.parse_known_args(arguments)
    if not options.studies.startswith(("http://", "https://")) and not Path(options.studies).is_dir():
        parser.error(f"{options.studies} is no folder; give --studies a folder of images")
    for file in (options.ckpt_path, *options.config_file):
        if not Path(file).is_file():
            parser.error(f"{file} does not exist")
    _prepare_environment()
    _warn_of_others(options.host)
    conf = {"ckpt_path": str(Path(options.ckpt_path).resolve()), **dict(options.set)}
    if options.config_file:
        conf["config_file"] = ",".join(str(Path(one).resolve()) for one in options.config_file)
    _refuse_unknown_settings(parser, [name for name, _ in options.set], conf)
    os.environ[ALLOWED_HOSTS] = ",".join([options.host, *options.allow_host])
    from monailabel.main import Main

    from scripts.networks.weights_file import WeightsFile

    given = [word for name, value in conf.items() for word in ("--conf", name, value)]
    where = ["--app", str(APP), "--studies", options.studies, "--host", options.host, "--port", str(options.port)]
    sys.argv = ["monailabel", "start_server", *where, "--uvicorn_app", "label_app.server:app", *given, *others]
    print(f"weights: {WeightsFile.of(conf['ckpt_path'])}", flush=True)
    print(f"Landmarks: http://{options.host}:{options.port}/landmarks/", flush=True)
    Main(loglevel=logging.WARNING).run()


def _prepare_environment() -> None:
    """What this process needs, and those that the server starts for its tasks."""
    os.environ.setdefault("MONAI_LABEL_SESSIONS", "false")
    os.environ.setdefault("MONAI_LABEL_DICOMWEB_SEARCH_FILTER", "{}")  # MONAI Label asks for CT only
    needed = [str(APP.parent), str(APP)]
    os.environ["PYTHONPATH"] = os.pathsep.join([*needed, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    sys.path[:0] = [one for one in needed if one not in sys.path]
    # what a process that is started with PYTHONPATH does by itself; not imported, as Python may have one of its own
    runpy.run_path(str(APP / "sitecustomize.py"))


def _refuse_unknown_settings(parser: argparse.ArgumentParser, given: list[str], conf: dict[str, str]) -> None:
    if not given:
        return
    from label_app.landmark_app import setting_names

    known = sorted(setting_names(conf))
    for name in given:
        if name not in known:
            close = get_close_matches(name, known)
            parser.error(
                f"--set: there is no setting {name!r}; {'did you mean' if close else 'there are'} "
                f"{', '.join(close or known)}"
            )


def _warn_of_others(host: str) -> None:
    if not _is_loopback(host) and os.environ.get("MONAI_LABEL_AUTH_ENABLE", "").lower() != "true":
        print(
            f"warning: everybody who can reach {host} can see the images and change the labels; "
            "see 'Other computers' in docs/monai_label.md",
            file=sys.stderr,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    main()
