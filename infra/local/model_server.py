"""Serves the local chat model: llama.cpp's own server, which speaks OpenAI's protocol. Runs in the tools' environment."""

from __future__ import annotations

import argparse
import os
import signal

import xllamacpp

# How many answers can be written at the same time; a further one waits for its turn.
_SLOTS = 2


def main() -> None:
    options = options_of_command()
    parameters = xllamacpp.CommonParams()
    # The slots share the context, and each is to have the whole of what the model was trained on.
    parameters.n_parallel = _SLOTS
    parameters.n_ctx = options.context * _SLOTS
    # Remembered conversations, which make the next turn quick. The engine's own limit is 8 GiB.
    parameters.cache_ram_mib = 256
    # The authors of the model advise these; a request may ask for something else.
    # Without a penalty so small a model repeats itself until it runs out of tokens.
    parameters.sampling.penalty_repeat = 1.1
    parameters.sampling.temp = 0.2
    parameters.sampling.top_p = 0.9
    serve(options, parameters)


def options_of_command() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    return parser.parse_args()


def serve(options: argparse.Namespace, parameters: xllamacpp.CommonParams) -> None:
    """Until it is asked to end."""
    parameters.model.path = options.weights
    parameters.model_alias = {options.name}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = options.port
    parameters.api_keys = [os.environ["MODEL_SERVER_KEY"]]
    parameters.ui = False
    # Blocked before the engine starts its threads, which inherit that: the signals wait for `sigwait` below.
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    server = xllamacpp.Server(parameters)
    print(f"serving {options.name} at {server.listening_address}", flush=True)
    signal.sigwait(ends)
    # The engine's threads do not need to be asked, and there is nothing to save.
    os._exit(0)


if __name__ == "__main__":
    main()
