"""Flask with a transformers pipeline, a common first sentiment service in Python. It stores nothing.

The environment has its settings: MODEL_FOLDER, INTRA_OP_THREADS. Its route, body and fields are those of Undertone
that the load generator uses.
"""

import os

import torch
from flask import Flask, jsonify, request
from transformers import pipeline

torch.set_num_threads(int(os.environ["INTRA_OP_THREADS"]))
classifier = pipeline(
    "text-classification", model=os.environ["MODEL_FOLDER"], device="cpu", dtype=torch.float32, top_k=None
)
app = Flask(__name__)


@app.post("/api/v1/predictions")
def predict():
    text = request.get_json()["text"]
    labels = classifier([text], truncation=True, max_length=512)[0]
    return jsonify(
        sentiment=labels[0]["label"],
        confidence=labels[0]["score"],
        scores={label["label"]: label["score"] for label in labels},
    )


@app.get("/health/ready")
def ready():
    return jsonify(status="ready")
