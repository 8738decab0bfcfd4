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
"""Sweeps with a stand-in for the bundle's command line, which notes its calls; one at the end with the real one."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from PIL import Image

from bundle_command import BUNDLE, assert_ran
from scripts.data.phantom import write_phantom
from scripts.io import InputError
from scripts.sweeps import Sweep, SweepTracking, plan_variants, read_figures

# does what the bundle does as a sweep sees it: merge the configs, leave a checkpoint, then figures
STAND_IN = """
import json, sys
from pathlib import Path
run_id, *options = sys.argv[1:]
options = dict(zip(options[::2], options[1::2]))
merged = {}
for file in eval(options["--config_file"]):
    merged |= json.loads(Path(file).read_text())
folder = Path(options["--output_dir"])
with open("calls.txt", "a") as calls:
    print(folder.name, run_id, file=calls)
if merged.get("fail_in") == run_id:
    sys.exit("no memory left")
if run_id == "training":
    Path(options["--ckpt_dir"]).mkdir(exist_ok=True)
    for name in ("checkpoint.pt", "model.pt"):
        (Path(options["--ckpt_dir"]) / name).write_text(json.dumps(merged))
else:
    trained = json.loads(Path(options["--ckpt_path"]).read_text())
    assert trained["patch_size"] == merged["patch_size"]
    figures = {"pixel_matching": {"mean_px": merged["patch_size"] / 10, "sd_px": 0.5}, "train_seconds": 2.5}
    if "truth" in merged and merged["truth"]:
        figures["landmark_matching"] = {"mean_px": 6.25, "sd_px": float("nan")}
    (folder / "metrics.json").write_text(json.dumps(figures))
"""
SIZES = {"32": {"settings": {"patch_size": 32}}, "40": {"settings": {"patch_size": 40}}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One store for all tests, as its tables take a second to make."""
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlruns.db"


@pytest.fixture(autouse=True)
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of two small configs and the stand-in; also the current folder."""
    root = tmp_path / "bundle"
    (root / "configs").mkdir(parents=True)
    both = {"dataset_dir": "data", "patch_size": 48, "fail_in": None, "head": {"_target_": "Head"}}
    (root / "configs/train.json").write_text(json.dumps(both | {"max_epochs": 40, "loss": {"_target_": "Loss"}}))
    (root / "configs/evaluate.json").write_text(json.dumps(both | {"truth": None}))
    (root / "configs/big.json").write_text(json.dumps({"patch_size": 90}))
    (root / "stand_in.py").write_text(STAND_IN)
    monkeypatch.chdir(root)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return root


@pytest.fixture
def make(bundle: Path, tmp_path: Path, store: str) -> Any:
    def make_sweep(variants: dict = SIZES, **options: Any) -> Sweep:
        tracking = SweepTracking(tmp_path / "out", "sizes", experiment=str(tmp_path), uri=store)
        command = (sys.executable, "stand_in.py")
        names = {"title": "Patch size", "xlabel": "Patch size [px]"}
        return Sweep(variants, tmp_path / "out", tracking, **names, bundle_root=bundle, command=command, **options)

    return make_sweep


def calls(bundle: Path) -> list[str]:
    """What was run since the last look."""
    path = bundle / "calls.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def rows(folder: Path) -> dict[str, dict[str, str]]:
    return {row["variant"]: row for row in csv.DictReader((folder / "sweep.csv").open())}


def runs(store: str, tmp_path: Path) -> tuple[list[Run], list[Run]]:
    """Sweeps, and variants in the order they were begun."""
    client = MlflowClient(store)
    found = client.search_runs(
        [client.get_experiment_by_name(str(tmp_path)).experiment_id], order_by=["start_time ASC"]
    )
    return tuple([run for run in found if ("mlflow.parentRunId" in run.data.tags) == child] for child in (False, True))


BOTH = ["32 training", "32 evaluating", "40 training", "40 evaluating"]


def test_variants_are_trained_and_evaluated_in_order_and_compared(make, bundle, tmp_path, capfd):
    make(data={"dataset_dir": "images", "datalist": None, "truth": "known.csv"}, settings={"max_epochs": 2}).run()
    assert calls(bundle) == BOTH
    found = rows(tmp_path / "out")
    assert [(name, row["pixel_matching.mean_px"]) for name, row in found.items()] == [("32", "3.2"), ("40", "4.0")]
    assert found["40"]["landmark_matching.mean_px"] == "6.25"
    assert found["40"]["landmark_matching.sd_px"] == found["40"]["cyclic_matching.mean_px"] == ""
    assert found["40"]["train_seconds"] == "2.5"
    # what a training was given, as the stand-in merged it
    trained = json.loads((tmp_path / "out/40/models/model.pt").read_text())
    assert (trained["max_epochs"], trained["dataset_dir"]) == (2, str(bundle / "images"))
    assert "truth" not in trained
    assert "40: pixel matching 4.00 px, landmark matching 6.25 px" in capfd.readouterr().out
    with Image.open(tmp_path / "out/sweep.png") as picture:
        assert min(picture.size) > 200
    page = (tmp_path / "out/sweep.html").read_text()
    assert "4.00 ± 0.50" in page
    assert "data:image/png;base64," in page


def test_configs_are_merged_in_the_order_of_base_variant_settings(make, bundle, tmp_path):
    (bundle / "configs/small.json").write_text(json.dumps({"patch_size": 10, "max_epochs": 3}))
    variants = {"file": {"configs": ["configs/big.json"]}, "value": {"settings": {"patch_size": 50}}}
    make(variants, base=["configs/small.json"], settings={"max_epochs": 4}).run()
    for name, size in (("file", 90), ("value", 50)):
        merged = json.loads((tmp_path / "out" / name / "models/model.pt").read_text())
        assert (merged["patch_size"], merged["max_epochs"]) == (size, 4)


def test_a_setting_goes_to_the_configs_that_know_it(bundle):
    settings = {"loss#weight": 2, "head::layers": 1, "+head": {"a": 1}, "truth": "known.csv", "patch_size": 8}
    [variant] = plan_variants({"all": {"settings": settings}}, bundle_root=bundle)
    assert set(variant.training.settings) == {"loss#weight", "head::layers", "+head", "patch_size"}
    assert set(variant.evaluating.settings) == {"head::layers", "+head", "truth", "patch_size"}


def test_a_finished_sweep_runs_nothing_again(make, bundle, tmp_path, capfd):
    make().run()
    before = (tmp_path / "out/sweep.csv").read_text()
    calls(bundle)
    make().run()
    assert calls(bundle) == []
    assert (tmp_path / "out/sweep.csv").read_text() == before
    assert "40: pixel matching 4.00 px, finished before" in capfd.readouterr().out


def test_a_new_variant_alone_is_run(make, bundle, tmp_path):
    make().run()
    calls(bundle)
    make({"24": {"settings": {"patch_size": 24}}, **SIZES}).run()
    assert calls(bundle) == ["24 training", "24 evaluating"]
    assert list(rows(tmp_path / "out")) == ["24", "32", "40"]


@pytest.mark.parametrize(
    ("stage", "run_before", "run_after"), [("training", BOTH[:3], BOTH[2:]), ("evaluating", BOTH, BOTH[2:])]
)
def test_a_failure_names_variant_and_log_and_the_sweep_goes_on_there(
    make, bundle, tmp_path, stage, run_before, run_after
):
    (bundle / "configs/broken.json").write_text(json.dumps({"fail_in": stage}))
    variants = {"32": SIZES["32"], "40": {**SIZES["40"], "configs": ["configs/broken.json"]}}
    with pytest.raises(InputError, match=f"variant 40: {stage} failed with exit code 1") as caught:
        make(variants).run()
    assert f"{tmp_path}/out/40/log.txt ends with:\n" in str(caught.value)
    assert str(caught.value).endswith("no memory left")
    assert calls(bundle) == run_before
    assert list(rows(tmp_path / "out")) == ["32"]
    (bundle / "configs/broken.json").write_text(json.dumps({"fail_in": None}))
    make(variants).run()
    assert calls(bundle) == run_after
    assert list(rows(tmp_path / "out")) == ["32", "40"]


def test_an_evaluation_that_was_stopped_after_its_figures_is_done_again(make, bundle, tmp_path):
    make().run()
    record = tmp_path / "out/40/variant.json"
    record.write_text(record.read_text().replace('"finished": true', '"finished": false'))
    calls(bundle)
    make().run()
    assert calls(bundle) == BOTH[2:]


def test_other_settings_of_a_finished_variant_are_refused_before_anything_is_run(make, bundle, tmp_path):
    make().run()
    calls(bundle)
    with pytest.raises(InputError, match="patch_size was 40 and is 41; max_epochs was not given and is 3") as caught:
        make({"24": {}, "40": {"settings": {"patch_size": 41}}}, settings={"max_epochs": 3}).run()
    assert f"{tmp_path}/out/40 was trained" in str(caught.value)
    assert "remove the folder" in str(caught.value)
    with pytest.raises(InputError, match=r"configs was \['configs/train.json'\] and is .*big.json"):
        make(base=["configs/big.json"]).run()
    assert calls(bundle) == []


def test_other_settings_are_taken_where_nothing_was_trained(make, bundle, tmp_path):
    variants = {"40": {"settings": {"patch_size": 40, "fail_in": "training"}}}
    with pytest.raises(InputError):
        make(variants).run()
    variants["40"]["settings"].update(fail_in=None)
    make(variants).run()
    assert list(rows(tmp_path / "out")) == ["40"]


def test_landmarks_may_be_added_without_training_anew(make, bundle, tmp_path):
    make().run()
    with pytest.raises(InputError, match=r"evaluated with other settings .*remove \S+/32/metrics.json to evaluate"):
        make(data={"truth": "known.csv"}).run()
    for name in SIZES:
        (tmp_path / "out" / name / "metrics.json").unlink()
    make(data={"truth": "known.csv"}).run()
    assert {row["landmark_matching.mean_px"] for row in rows(tmp_path / "out").values()} == {"6.25"}


@pytest.mark.parametrize(
    ("variants", "options", "message"),
    [
        ({}, {}, "a sweep needs variants"),
        ({"a/b": {}}, {}, "'a/b': its name is that of a folder"),
        ({"a": {"setting": {}}}, {}, "variant a: give"),
        ({"a": {"settings": {"patchsize": 3}}}, {}, "no config knows the settings patchsize"),
        ({"a": {"settings": {"tail#layers": 3}}}, {}, "no config knows the settings tail#layers"),
        ({"a": {"settings": {"patch_size": object()}}}, {}, "name a config file instead"),
        ({"a": {"configs": "configs/big.json"}}, {}, "variant a: configs must be a list"),
        ({"a": {"configs": ["configs/none.json"]}}, {}, "no config file .*/bundle/configs/none.json"),
        ({"a": {}}, {"base": ["stand_in.py"]}, "stand_in.py cannot be merged"),
        ({"a": {}}, {"settings": "{max_epochs: 2"}, "settings must be a dict"),
    ],
)
def test_faults_are_found_before_anything_is_run(make, bundle, tmp_path, variants, options, message):
    with pytest.raises(InputError, match=message):
        make(variants, **options)
    assert not (tmp_path / "out").exists()


def test_damaged_configs_are_named(make, bundle):
    (bundle / "configs/big.json").write_text("{")
    with pytest.raises(InputError, match="configs/big.json cannot be merged"):
        make({"a": {"configs": ["configs/big.json"]}})


@pytest.mark.parametrize("value", [None, float("nan"), "much", {}, []])
def test_missing_figures_are_nan(value):
    figures = read_figures({"pixel_matching": value, "cyclic_matching": {"mean_px": value}, "train_seconds": 3})
    assert [name for name, figure in figures.items() if figure == figure] == ["train_seconds"]


def test_mlflow_has_a_run_with_a_nested_run_a_variant(make, store, tmp_path):
    make(data={"truth": "known.csv"}, settings={"loss#weight": 2}).run()
    [sweep], variants = runs(store, tmp_path)
    assert (sweep.info.run_name, sweep.info.status) == ("sizes", "FINISHED")
    assert [run.info.run_name for run in variants] == ["32", "40"]
    assert {run.data.tags["mlflow.parentRunId"] for run in variants} == {sweep.info.run_id}
    last = variants[1]
    assert last.info.status == "FINISHED"
    assert last.data.params["patch_size"] == "40"
    assert last.data.params["loss.weight"] == "2"
    assert last.data.metrics["pixel_matching.mean_px"] == 4.0
    assert "landmark_matching.sd_px" not in last.data.metrics  # not a number
    client = MlflowClient(store)
    assert [file.path for file in client.list_artifacts(last.info.run_id)] == ["log.txt"]
    assert {file.path for file in client.list_artifacts(sweep.info.run_id)} == {"sweep.csv", "sweep.png", "sweep.html"}


def test_a_continued_sweep_goes_on_in_its_runs(make, store, tmp_path, bundle):
    (bundle / "configs/broken.json").write_text(json.dumps({"fail_in": "evaluating"}))
    variants = {"32": SIZES["32"], "40": {**SIZES["40"], "configs": ["configs/broken.json"]}}
    with pytest.raises(InputError):
        make(variants).run()
    before, children = runs(store, tmp_path)
    assert [run.info.status for run in before + children] == ["FAILED", "FINISHED", "FAILED"]
    (bundle / "configs/broken.json").write_text("{}")
    make(variants).run()
    make(variants).run()
    after, again = runs(store, tmp_path)
    assert [run.info.run_id for run in after + again] == [run.info.run_id for run in before + children]
    assert {run.info.status for run in after + again} == {"FINISHED"}
    assert again[1].data.metrics["pixel_matching.mean_px"] == 4.0


def test_a_finished_sweep_can_be_noted_in_another_store(make, store, tmp_path, bundle):
    make().run()
    [sweep], _ = runs(store, tmp_path)
    MlflowClient(store).delete_run(sweep.info.run_id)
    calls(bundle)
    make().run()
    assert calls(bundle) == []
    [anew], variants = runs(store, tmp_path)
    assert anew.info.run_id != sweep.info.run_id
    noted = [run for run in variants if run.data.tags["mlflow.parentRunId"] == anew.info.run_id]
    assert [run.data.metrics["pixel_matching.mean_px"] for run in noted] == [3.2, 4.0]


@pytest.mark.slow
def test_the_real_thing(tmp_path):
    """Two sizes through the command line, twice: the second time there is nothing left to do."""
    write_phantom(tmp_path / "images", subjects=range(3), size=(48, 44), n_frames=4, motion_px=4.0)
    small = {"image_size": [48, 44], "batch_size": 2, "patches_per_image": 2, "subjects": "within"}
    short = {"max_epochs": 1, "steps_per_epoch": 2, "val_interval": 1}
    sizes = {str(size): {"settings": {"patch_size": size}} for size in (12, 16)}
    options = ["--dataset_dir", tmp_path / "images", "--truth", tmp_path / "images/tracks.csv"]
    options += ["--variants", sizes, "--settings", small | short, "--output_dir", tmp_path / "out"]
    command = [
        sys.executable,
        "-m",
        "monai.bundle",
        "run",
        "sweeping",
        "--config_file",
        "configs/sweep/patch_size.json",
    ]
    for before in ("", ", finished before"):
        result = subprocess.run([*command, *map(str, options)], cwd=BUNDLE, capture_output=True, text=True)
        assert_ran(result)
        lines = [line for line in result.stdout.splitlines() if line.startswith(("12: ", "16: "))]
        assert len(lines) == 2
        assert all("landmark matching" in line and line.endswith(f"px{before}") for line in lines)
    for name, row in rows(tmp_path / "out").items():
        written = json.loads((tmp_path / "out" / name / "metrics.json").read_text())
        assert float(row["cyclic_matching.mean_px"]) == written["cyclic_matching"]["mean_px"]
        assert float(row["train_seconds"]) > 0
    client = MlflowClient(f"sqlite:///{tmp_path}/out/mlruns.db")
    found = client.search_runs([client.get_experiment_by_name("sweeps").experiment_id])
    assert sorted(run.info.run_name for run in found) == ["12", "16", "patch_size"]
    assert (tmp_path / "out/mlruns").is_dir()
