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

"""Tests of the checkpoint: a run that is stopped and started again is the run that was not."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer
from torch import nn
from torch.utils.data import DataLoader

from scripts.data import EpochSampler
from scripts.engines import PatchCenterPrepareBatch
from scripts.handlers import ResumeHandler
from scripts.io.input_error import InputError
from scripts.losses import GaussianNLLLoss, HeatmapCrossEntropyLoss, MatchingLoss
from scripts.networks import RegressionHead, ResidualEncoder, TemplateMatchingNetwork
from scripts.transforms import RandPatchCenter

EPOCHS = 4


class Stopped(Exception):  # noqa: N818
    """The run was killed."""


def train(path: Path, *, stop_at: int | None = None, width: int = 4, **options: object) -> tuple[dict, list[float]]:
    """Train with dropout, noise and a schedule; returns weights and the losses of the run."""
    torch.manual_seed(0)
    encoders = [ResidualEncoder(channels=(width, 6)) for _ in range(2)]
    network = TemplateMatchingNetwork(*encoders, RegressionHead(*encoders, hidden_channels=8, dropout=0.5))
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, EPOCHS * 3 + 1)
    generator = torch.Generator().manual_seed(1)
    data = [{"image": torch.rand(1, 24, 24, generator=generator), "index": i} for i in range(6)]
    prepare_batch = PatchCenterPrepareBatch(RandPatchCenter(8, noise=0.1), seed=3)
    settings = {"image_size": (24, 24), **options.pop("settings", {})}
    loss = MatchingLoss(GaussianNLLLoss(), HeatmapCrossEntropyLoss((1, 1)), fixed_scale_steps=7)
    objects = {"network": network, "optimizer": optimizer, "schedule": schedule}
    objects |= {"prepare_batch": prepare_batch, "loss": loss}
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=EPOCHS,
        train_data_loader=DataLoader(data, batch_size=2, sampler=EpochSampler(data, 6)),
        network=network,
        optimizer=optimizer,
        loss_function=loss,
        prepare_batch=prepare_batch,
        train_handlers=[ResumeHandler(path, objects, settings, **options)],
        decollate=False,
    )
    losses: list[float] = []

    @trainer.on(Events.ITERATION_COMPLETED)
    def _step() -> None:
        schedule.step()
        losses.append(trainer.state.output["loss"].item())
        if trainer.state.iteration == stop_at:
            raise Stopped

    with contextlib.suppress(Stopped):
        trainer.run()
    return network.state_dict(), losses


# in the middle of the second epoch, at its end before it is saved, and in the last one
@pytest.mark.parametrize("stop_at", [5, 6, 11])
def test_a_stopped_run_ends_with_the_same_weights(tmp_path, stop_at):
    whole, losses = train(tmp_path / "a" / "checkpoint.pt")
    _, before = train(tmp_path / "b" / "checkpoint.pt", stop_at=stop_at)
    torch.manual_seed(99)  # whatever else the new process draws
    resumed, after = train(tmp_path / "b" / "checkpoint.pt")
    epochs_saved = (stop_at - 1) // 3
    assert before == losses[:stop_at]
    assert after == losses[3 * epochs_saved :]
    for name, value in whole.items():
        assert torch.equal(resumed[name], value), name


def test_stopped_before_the_first_checkpoint_it_begins_again(tmp_path):
    _, losses = train(tmp_path / "a.pt")
    train(tmp_path / "b.pt", stop_at=2)
    assert not (tmp_path / "b.pt").exists()
    assert train(tmp_path / "b.pt")[1] == losses


def test_a_complete_run_is_left_as_it_is(tmp_path):
    whole, _ = train(tmp_path / "checkpoint.pt")
    again, losses = train(tmp_path / "checkpoint.pt")
    assert losses == []
    assert all(torch.equal(again[name], value) for name, value in whole.items())


def test_it_begins_anew_when_told_to(tmp_path):
    _, losses = train(tmp_path / "checkpoint.pt")
    assert train(tmp_path / "checkpoint.pt", resume=False)[1] == losses


def test_killed_after_it_was_told_to_begin_anew_it_does_not_fall_back_to_the_old_run(tmp_path):
    path = tmp_path / "checkpoint.pt"
    train(path, settings={"seed": 0})
    train(path, settings={"seed": 1}, resume=False, stop_at=2)
    assert not path.exists()


def test_checkpoints_come_at_intervals_and_at_the_end(tmp_path):
    path, saved = tmp_path / "checkpoint.pt", []
    for stop_at in (3, 6, 7, 9, 12):
        path.unlink(missing_ok=True)
        train(path, stop_at=stop_at, interval=2)
        saved.append(torch.load(path, weights_only=True)["epoch"] if path.exists() else 0)
    # stopped in the last iteration of an epoch it is not saved
    assert saved == [0, 0, 2, 2, 2]
    path.unlink()
    train(path, interval=3)
    assert torch.load(path, weights_only=True)["epoch"] == EPOCHS


def test_what_a_killed_save_left_is_removed(tmp_path):
    (tmp_path / ".0123456789ab-checkpoint.pt").write_bytes(b"half")
    (tmp_path / ".0123456789ab-model.pt").write_bytes(b"another's")
    train(tmp_path / "checkpoint.pt")
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.pt", ".0123456789ab-model.pt"}


def test_the_file_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    train(path, stop_at=4)
    before = path.read_bytes()
    save = torch.save

    def killed(content: object, where: Path) -> None:
        save(content, where)
        Path(where).write_bytes(Path(where).read_bytes()[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        train(path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_other_settings_are_refused_by_name(tmp_path):
    train(tmp_path / "c.pt", stop_at=4, settings={"patch_size": 8, "seed": 0})
    with pytest.raises(InputError, match=r"c\.pt .*patch_size was 8 and is 9.*--resume False") as caught:
        train(tmp_path / "c.pt", settings={"patch_size": 9, "seed": 0})
    assert "seed" not in str(caught.value)


def test_another_network_is_refused(tmp_path):
    train(tmp_path / "c.pt", stop_at=4)
    with pytest.raises(InputError, match=r"c\.pt does not fit this network.*--resume False"):
        train(tmp_path / "c.pt", width=5)


@pytest.mark.parametrize("content", [b"", b"nothing"])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "c.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"c\.pt is no checkpoint .*--resume False"):
        train(tmp_path / "c.pt")


def test_weights_alone_are_no_checkpoint(tmp_path):
    torch.save(nn.Linear(1, 1).state_dict(), tmp_path / "c.pt")
    with pytest.raises(InputError, match="is no checkpoint"):
        train(tmp_path / "c.pt")


def test_what_has_a_part_of_a_checkpoint_is_none(tmp_path):
    train(tmp_path / "c.pt", stop_at=4)
    checkpoint = torch.load(tmp_path / "c.pt", weights_only=True)
    del checkpoint["scaler"]
    torch.save(checkpoint, tmp_path / "c.pt")
    with pytest.raises(InputError, match="is no checkpoint .*scaler"):
        train(tmp_path / "c.pt")
