"""Serializes a body of lines for schemathesis: a valid line with the generated text, then the generated text itself."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    if isinstance(value, bytes):
        return {"data": value}
    valid = json.dumps({"text": value if isinstance(value, str) else str(value)})
    raw = value if isinstance(value, str) else json.dumps(value)
    return {"data": f"{valid}\n{raw}\n".encode("utf-8", "replace")}
