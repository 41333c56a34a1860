"""What schemathesis does not know of the service.

A body of lines is a valid line with the generated text, then the generated text itself. A valid deadline is the longest:
a shorter one is answered with a correct 503, which is reported as an error of the server.
"""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    if isinstance(value, bytes):
        return {"data": value}
    valid = json.dumps({"text": value if isinstance(value, str) else str(value)})
    raw = value if isinstance(value, str) else json.dumps(value)
    return {"data": f"{valid}\n{raw}\n".encode("utf-8", "replace")}


@schemathesis.hook
def before_call(context, case, kwargs):
    deadline = str((case.headers or {}).get("X-Request-Timeout-Ms", ""))
    if deadline.isdecimal() and 1 <= int(deadline) <= 120_000:
        case.headers["X-Request-Timeout-Ms"] = "120000"
