"""The Celery application of the incident."""

from celery import Celery

app = Celery("app", broker="redis://redis:6379/0", backend="redis://redis:6379/0")


@app.task
def add(a, b):
    return a + b


@app.task
async def refresh_odds():
    """Declared async, as in the incident; harmless: the call returns a coroutine, and storing the result fails."""
