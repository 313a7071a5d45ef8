"""The noisy neighbour: fails at import as SlowAPI does when a limited route has no parameter named "request"."""

from fastapi import FastAPI

app = FastAPI()


def limit(function):
    raise Exception(f'No "request" or "websocket" argument on function "{function}"')


@app.get("/odds")
@limit
async def odds(req):
    return {}
