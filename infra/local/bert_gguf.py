"""Turns the embedding model's published weights (safetensors, 32 bit) into the file that the engine reads (GGUF, 16 bit).

Plain Python, because it happens once: numpy would cost more to fetch than it saves. Only for this one architecture,
BERT with WordPiece, and only as much of both formats as that needs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

# The types of GGUF's values and tensors that are written here.
_U32, _I32, _F32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9
_TENSOR_F32, _TENSOR_F16 = 0, 1
_VERSION, _ALIGNMENT, _MOSTLY_F16, _MEAN_POOLING = 3, 32, 1, 1
_NORMAL, _CONTROL = 1, 3
# How much is converted at once, in bytes.
_PIECE = 1 << 18

_OUTSIDE_LAYERS = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
_OF_A_LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
# The engine wants these in 32 bits, as it does whatever has one dimension.
_PRECISE = ("position_embd.weight", "token_types.weight")


def convert(
    safetensors: bytes, vocabulary: str, config: dict[str, Any], target: BinaryIO
) -> None:
    """Writes the model with its vocabulary, which has a token a line, to `target`."""
    tensors = [
        (
            name,
            shape,
            _TENSOR_F16 if len(shape) > 1 and name not in _PRECISE else _TENSOR_F32,
            data,
        )
        for name, shape, data in _tensors(safetensors, config["num_hidden_layers"])
    ]
    values = _values(config, vocabulary.splitlines())
    header = [b"GGUF", struct.pack("<IQQ", _VERSION, len(tensors), len(values))]
    header += [
        _string(key) + struct.pack("<I", kind) + value for key, kind, value in values
    ]
    place = 0
    for name, shape, kind, data in tensors:
        # GGUF names the dimension first whose numbers lie side by side.
        dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        header.append(_string(name) + dimensions + struct.pack("<IQ", kind, place))
        size = len(data) // 2 if kind == _TENSOR_F16 else len(data)
        place += size + _padding(size)
    start = b"".join(header)
    target.write(start + bytes(_padding(len(start))))
    for _, _, kind, data in tensors:
        written = _halved(data) if kind == _TENSOR_F16 else bytes(data)
        target.write(written + bytes(_padding(len(written))))


def _tensors(
    safetensors: bytes, layers: int
) -> Iterator[tuple[str, list[int], memoryview]]:
    """Those that make vectors, by the engine's names. A tensor that is missing is a KeyError."""
    length = int.from_bytes(safetensors[:8], "little")
    about = json.loads(safetensors[8 : 8 + length])
    data = memoryview(safetensors)[8 + length :]
    names = dict(_OUTSIDE_LAYERS)
    for layer in range(layers):
        for theirs, ours in _OF_A_LAYER.items():
            names[f"encoder.layer.{layer}.{theirs}"] = f"blk.{layer}.{ours}"
    for theirs, ours in names.items():
        # An embedding has no bias.
        for part in (
            ["weight"] if theirs.endswith("_embeddings") else ["weight", "bias"]
        ):
            tensor = about[f"{theirs}.{part}"]
            if tensor["dtype"] != "F32":
                raise ValueError(
                    f"{theirs}.{part} has the type {tensor['dtype']} and not F32"
                )
            begin, end = tensor["data_offsets"]
            yield f"{ours}.{part}", tensor["shape"], data[begin:end]


def _values(
    config: dict[str, Any], vocabulary: list[str]
) -> list[tuple[str, int, bytes]]:
    numbers = {
        "bert.context_length": config["max_position_embeddings"],
        "bert.embedding_length": config["hidden_size"],
        "bert.feed_forward_length": config["intermediate_size"],
        "bert.block_count": config["num_hidden_layers"],
        "bert.attention.head_count": config["num_attention_heads"],
        "bert.pooling_type": _MEAN_POOLING,
        "general.file_type": _MOSTLY_F16,
        "tokenizer.ggml.token_type_count": config["type_vocab_size"],
        "tokenizer.ggml.bos_token_id": vocabulary.index("[CLS]"),
        "tokenizer.ggml.cls_token_id": vocabulary.index("[CLS]"),
        "tokenizer.ggml.eos_token_id": vocabulary.index("[SEP]"),
        # Misspelt in the format itself.
        "tokenizer.ggml.seperator_token_id": vocabulary.index("[SEP]"),
        "tokenizer.ggml.unknown_token_id": vocabulary.index("[UNK]"),
        "tokenizer.ggml.padding_token_id": vocabulary.index("[PAD]"),
        "tokenizer.ggml.mask_token_id": vocabulary.index("[MASK]"),
    }
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    kinds = [_CONTROL if token in special else _NORMAL for token in vocabulary]
    tokens = b"".join(_string(_token(token)) for token in vocabulary)
    epsilon = struct.pack("<f", config["layer_norm_eps"])
    return [
        ("general.architecture", _STRING, _string("bert")),
        ("general.name", _STRING, _string("all-MiniLM-L6-v2")),
        *((key, _U32, struct.pack("<I", number)) for key, number in numbers.items()),
        ("bert.attention.layer_norm_epsilon", _F32, epsilon),
        ("bert.attention.causal", _BOOL, b"\0"),
        ("tokenizer.ggml.model", _STRING, _string("bert")),
        (
            "tokenizer.ggml.tokens",
            _ARRAY,
            struct.pack("<IQ", _STRING, len(vocabulary)) + tokens,
        ),
        (
            "tokenizer.ggml.token_type",
            _ARRAY,
            struct.pack(f"<IQ{len(kinds)}i", _I32, len(kinds), *kinds),
        ),
    ]


def _token(token: str) -> str:
    """WordPiece marks what continues a word; the engine marks what begins one."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else f"\u2581{token}"


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _padding(size: int) -> int:
    return -size % _ALIGNMENT


def _halved(data: memoryview) -> bytes:
    """In pieces, because a number takes much more memory while Python has it in its hands."""
    halves = []
    for begin in range(0, len(data), _PIECE):
        piece = data[begin : begin + _PIECE]
        count = len(piece) // 4
        halves.append(struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", piece)))
    return b"".join(halves)
