"""Trouble of all kinds in one process: dead children that it doesn't wait for, one that burns CPU, and one that waits
without being interruptible, because what it spawned waits for somebody to open a FIFO.

    culprit.py DEAD FIFO
"""

import os
import sys
import time


def child(do):
    pid = os.fork()
    if pid == 0:
        do()
        os._exit(3)


def burn():
    while True:
        pass


def wait(fifo):
    os.posix_spawn("/bin/true", ["true"], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, fifo, os.O_RDONLY, 0)])


def main():
    fifo = sys.argv[2]
    os.mkfifo(fifo)
    child(burn)
    child(lambda: wait(fifo))
    for _ in range(int(sys.argv[1])):
        child(lambda: None)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
