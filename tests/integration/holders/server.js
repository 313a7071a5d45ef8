// node as a holder: GET /N answers N squared, with timers and a thread pool at work beside it.
const http = require("http");
const fs = require("fs");

setInterval(() => fs.stat("/", () => {}), 3);
http
  .createServer((request, response) => {
    const n = Number(request.url.slice(1));
    setTimeout(() => response.end(String(n * n)), 1);
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
