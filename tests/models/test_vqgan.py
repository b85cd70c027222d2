"""The VQGAN: its codes, its gradient, its folder, and released checkpoints."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from taming.modules.diffusionmodules.model import AttnBlock

from backend.cli import main
from backend.errors import ModelError
from backend.models.members import Members, read_member
from backend.models.vqgan import Vqgan, VqganConfig, load_vqgan, nearest_codes
from backend.models.vqgan_checkpoint import convert_checkpoint
from backend.pocket.networks.vqgan import build_vqgan, save_vqgan

OFFICIAL = {
    "double_z": False,
    "z_channels": 256,
    "resolution": 256,
    "in_channels": 3,
    "out_ch": 3,
    "ch": 128,
    "ch_mult": [1, 1, 2, 2, 4],
    "num_res_blocks": 2,
    "attn_resolutions": [16],
    "dropout": 0.0,
}
SMALL = {
    **OFFICIAL,
    "z_channels": 32,
    "ch": 32,
    "ch_mult": [1, 2],
    "num_res_blocks": 1,
    "attn_resolutions": [128],
}


def small(n_embed: int = 40) -> Vqgan:
    """A released layout in little."""
    torch.manual_seed(0)
    network = Vqgan(VqganConfig(SMALL, n_embed, 16)).eval().requires_grad_(False)
    network.codebook.normal_()
    return network


def test_the_official_layout_has_its_known_size() -> None:
    with torch.device("meta"):
        network = Vqgan(VqganConfig(OFFICIAL, 16384, 256))
    assert len(network.state_dict()) == 343
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(
        76.07e6, rel=1e-4
    )
    assert network.reduction == 16


def test_snapping_is_idempotent_and_its_gradient_is_the_identity() -> None:
    network = small()
    z = torch.randn(2, 16, 3, 5, requires_grad=True)
    snapped = network.snap(z)
    assert torch.equal(network.snap(snapped), snapped)
    assert torch.equal(network.codebook[network.codes(z)].permute(0, 3, 1, 2), snapped)
    weight = torch.randn_like(snapped)
    (gradient,) = torch.autograd.grad((snapped * weight).sum(), z)
    assert torch.equal(gradient, weight)


def test_the_nearest_code_is_tamings_own() -> None:
    network = small()
    z = torch.randn(2, 16, 6, 4)
    theirs = network.quantize(z)[2][2].view(2, 6, 4)
    assert torch.equal(nearest_codes(z, network.codebook), theirs)


def test_attention_is_tamings_own() -> None:
    block = next(module for module in small().modules() if isinstance(module, AttnBlock))
    x = torch.randn(2, 64, 5, 3, requires_grad=True)
    theirs, ours = AttnBlock.forward(block, x), block(x)
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert float((ours - x).detach().abs().mean()) > 0.01
    slopes = [torch.autograd.grad(one.square().sum(), x)[0] for one in (theirs, ours)]
    assert torch.allclose(*slopes, rtol=1e-4, atol=1e-4)


def test_permuting_the_codebook_changes_no_picture() -> None:
    network = small()
    z = torch.randn(1, 16, 4, 4)
    before = network.decode(network.snap(z))
    network.codebook.copy_(network.codebook[torch.randperm(40)])
    assert torch.equal(network.decode(network.snap(z)), before)


def test_a_fresh_pocket_network_is_near_resizing() -> None:
    torch.manual_seed(0)
    network = build_vqgan().eval()
    with torch.no_grad():
        z = network.encode(torch.rand(1, 3, 64, 64) * 2 - 1)
        assert z.shape == (1, 8, 16, 16)
        assert network.decode(z).shape == (1, 3, 64, 64)


def test_a_saved_network_is_a_member(tmp_path: Path) -> None:
    network = build_vqgan().eval()
    save_vqgan(network, tmp_path / "vqgan")
    card = read_member(tmp_path / "vqgan", "vqgan")
    loaded = Members({"vqgan": card}, dtype=torch.float16).get("vqgan")
    assert loaded.codebook.dtype == torch.float32
    assert not loaded.training
    z = torch.randn(1, 8, 4, 4)
    with torch.no_grad():
        assert torch.allclose(loaded.decode(z), network.decode(z), atol=2e-2)


def test_a_config_that_lacks_an_entry_is_named(tmp_path: Path) -> None:
    save_vqgan(build_vqgan(), tmp_path)
    record = json.loads((tmp_path / "config.json").read_text())
    del record["n_embed"]
    (tmp_path / "config.json").write_text(json.dumps(record))
    with pytest.raises(ModelError, match="n_embed"):
        load_vqgan(tmp_path, torch.device("cpu"), torch.float32)


def write_checkpoint(path: Path, extra: dict[str, object]) -> Vqgan:
    network = small()
    weights = dict(network.state_dict()) | {"loss.discriminator.main.0.weight": torch.zeros(3)}
    torch.save({"state_dict": weights, "epoch": 3, **extra}, path)
    return network


@pytest.mark.slow
def test_a_lightning_checkpoint_is_converted_without_its_code(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    make = "import sys, types, torch\n" + (
        "m = types.ModuleType('pytorch_lightning.callbacks.model_checkpoint')\n"
        "class ModelCheckpoint:\n    def __setstate__(self, s): raise SystemExit('foreign "
        "code ran')\n"
        "ModelCheckpoint.__module__ = m.__name__; m.ModelCheckpoint = ModelCheckpoint\n"
        "for n in ('pytorch_lightning', 'pytorch_lightning.callbacks'): sys.modules[n] = "
        "types.ModuleType(n)\n"
        "sys.modules[m.__name__] = m\n"
        f"record = torch.load({str(path)!r}, weights_only=True)\n"
        "one = ModelCheckpoint(); one.best = 1\n"
        f"torch.save(record | {{'callbacks': {{ModelCheckpoint: {{'best': 1}}, 'kept': "
        f"one}}}}, {str(path)!r})\n"
    )
    network = write_checkpoint(path, {})
    subprocess.run([sys.executable, "-c", make], check=True)
    assert main(["convert", "vqgan", str(path), "--to", str(tmp_path / "vqgan")]) == 0
    record = json.loads((tmp_path / "vqgan" / "config.json").read_text())
    assert record["ddconfig"] == SMALL
    assert len(record["converted_from_sha256"]) == 64
    assert not any(
        name.startswith("loss") for name in load_file(tmp_path / "vqgan" / "vqgan.safetensors")
    )
    loaded = load_vqgan(tmp_path / "vqgan", torch.device("cpu"), torch.float16)
    picture = torch.rand(1, 3, 16, 16) * 2 - 1
    assert torch.allclose(loaded.encode(picture), network.encode(picture), atol=1e-5)


def test_foreign_code_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_checkpoint(tmp_path / "last.ckpt", {"callbacks": collections.UserDict({"a": 1})})
    assert main(["convert", "vqgan", str(tmp_path / "last.ckpt")]) == 2
    assert "collections.UserDict" in capsys.readouterr().err
    assert not (tmp_path / "vqgan").exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all"])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.ckpt").write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.ckpt cannot be read"):
        convert_checkpoint(tmp_path / "x.ckpt", tmp_path / "vqgan")


def test_another_network_is_told(tmp_path: Path) -> None:
    torch.save({"state_dict": {"unet.weight": torch.zeros(1)}}, tmp_path / "x.ckpt")
    with pytest.raises(ModelError, match="no encoder"):
        convert_checkpoint(tmp_path / "x.ckpt", tmp_path / "vqgan")
