"""celery as a holder: its tasks, and as a program the client that wants their answers."""

import os

from celery import Celery

app = Celery("tasks", broker=os.environ["REDIS"], backend=os.environ["REDIS"])


@app.task
def square(n):
    return n * n


if __name__ == "__main__":
    n = 0
    while True:
        n += 1
        answer = square.delay(n).get(timeout=60)
        print("good" if answer == n * n else f"wrong: {n} squared is {answer}", flush=True)
