"""FastAPI with ONNX Runtime, a fast sentiment service in Python. It stores nothing.

    serve_onnx.py PORT WORKERS

The environment has its settings: MODEL_FOLDER, ONNX_FILE, INTRA_OP_THREADS. Its route, body and fields are those of
Undertone that the load generator uses.
"""

import json
import math
import multiprocessing
import os
import pathlib
import socket
import sys
import threading

import numpy
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

FOLDER = pathlib.Path(os.environ["MODEL_FOLDER"])


def load_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    return tokenizer


def load_session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["INTRA_OP_THREADS"])
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(os.environ["ONNX_FILE"], options, providers=["CPUExecutionProvider"])


tokenizer = load_tokenizer()
session = load_session()
id2label = json.loads((FOLDER / "config.json").read_text())["id2label"]
LABELS = [id2label[str(index)] for index in range(len(id2label))]
app = FastAPI(openapi_url=None)


class Request(BaseModel):
    text: str


class Prediction(BaseModel):
    sentiment: str
    confidence: float
    scores: dict[str, float]


# Not in the thread pool: the model uses all cores, and switching threads would only add time.
@app.post("/api/v1/predictions")
async def predict(request: Request) -> Prediction:
    ids = numpy.array([tokenizer.encode(request.text).ids], dtype=numpy.int64)
    inputs = {"input_ids": ids, "attention_mask": numpy.ones_like(ids)}
    logits = session.run(None, inputs)[0][0].tolist()
    largest = max(logits)
    exponentials = [math.exp(logit - largest) for logit in logits]
    total = sum(exponentials)
    scores = {label: exponential / total for label, exponential in zip(LABELS, exponentials, strict=True)}
    sentiment = max(scores, key=scores.get)
    return Prediction(sentiment=sentiment, confidence=scores[sentiment], scores=scores)


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


def work(port: int) -> None:
    """Serves on a socket of this process.

    The workers of `uvicorn --workers` share one, and often one of them accepts every connection of a load while the
    others idle. With a socket each, the kernel spreads connections, as a load balancer would.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    if parent := multiprocessing.parent_process():
        threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


def end_with(parent) -> None:
    parent.join()
    os._exit(0)


def main() -> None:
    port, workers = int(sys.argv[1]), int(sys.argv[2])
    # Spawned rather than forked: the threads of a loaded session do not survive a fork.
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=work, args=(port,), daemon=True) for _ in range(workers - 1)]
    for other in others:
        other.start()
    work(port)


if __name__ == "__main__":
    main()
