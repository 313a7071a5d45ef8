"""A test's results: a line of TAP for each check, and below one that failed what was seen."""

LINES, LENGTH = 40, 2000  # shown of what was seen


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, good, name, *seen):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {name}", flush=True)
        for one in () if good else seen:
            for line in str(one).splitlines()[-LINES:]:
                print(f"# {line[:LENGTH]}", flush=True)
        return good

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)

    def end(self):
        """The plan; what the program exits with."""
        print(f"1..{self.count}")
        return 1 if self.failed else 0
