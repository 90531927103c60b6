"""Serves the local embedding model: llama.cpp's own server, as for the chat model. Runs in the tools' environment.

Its context are 512 tokens, and it answers 500 to a longer text instead of cutting it. providers.json therefore lets a
text have 170 tokens as we count them, which are at most 510 characters: no character becomes more than one WordPiece
token (a composed one is replaced by its base, without the marks), and [CLS] and [SEP] come to that. Tried with what is
worst, 510 times `!`, `a.` 255 times, Chinese, Hangul, accents, emoji and Arabic ligatures: never more than 512.
The model itself was trained on 128 tokens, which are about as many characters.
"""

from __future__ import annotations

import xllamacpp

from .model_server import options_of_command, serve

# How many texts are worked on at once. They share a batch, which is as long as the longest of them may be.
_SLOTS = 4


def main() -> None:
    options = options_of_command()
    parameters = xllamacpp.CommonParams()
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    # To the length 1.
    parameters.embd_normalize = 2
    parameters.n_parallel = _SLOTS
    parameters.n_ctx = options.context * _SLOTS
    parameters.n_batch = parameters.n_ubatch = options.context
    # No text is continued.
    parameters.cache_ram_mib = 0
    serve(options, parameters)


if __name__ == "__main__":
    main()
