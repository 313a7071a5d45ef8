"""uvicorn as a holder: GET /N answers N squared, after a moment in the event loop."""

import asyncio


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await asyncio.sleep(0.001)
    n = int(scope["path"][1:])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(n * n).encode()})
