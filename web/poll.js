/* Does a task again and again: every two seconds, later when it fails, not at all while nobody looks. One failure is no
 * news: browsers drop connections when a network interface comes or goes, as it does at every container's start. */

const PERIOD_MS = 2000;
const LONGEST_MS = 15000;
const SECOND_TRY_MS = 300;

export class Poller {
    /** task() does the work; failed(error, waitMs) is told when it could not, worked() when it could. */
    constructor(task, worked, failed) {
        this.task = task;
        this.worked = worked;
        this.failed = failed;
        this.failures = 0;
        this.timer = 0;
        this.running = false;
        this.again = false;
        document.addEventListener("visibilitychange", () => this.now());
        addEventListener("online", () => this.now());
    }

    /** At once; if the task is at work, once more after it. */
    now() {
        clearTimeout(this.timer);
        if (this.running) this.again = true;
        else if (!document.hidden) this.#run();
    }

    async #run() {
        this.running = true;
        this.again = false;
        let wait = PERIOD_MS;
        try {
            await this.task();
            this.failures = 0;
            this.worked();
        } catch (error) {
            wait = this.failures ? Math.min(PERIOD_MS * 2 ** (this.failures - 1), LONGEST_MS) : SECOND_TRY_MS;
            if (this.failures++) this.failed(error, wait);
        }
        this.running = false;
        if (!document.hidden) this.timer = setTimeout(() => this.#run(), this.again ? 0 : wait);
    }
}
