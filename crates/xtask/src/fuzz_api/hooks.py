"""How schemathesis writes a body of lines: the generated text as the text of a good line, then as it is."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    if isinstance(value, bytes):
        return {"data": value}
    good = json.dumps({"text": value if isinstance(value, str) else str(value)})
    raw = value if isinstance(value, str) else json.dumps(value)
    return {"data": f"{good}\n{raw}\n".encode("utf-8", "replace")}
