"""What the scripts share: a list of checks, the payer's part, and an ear for notifications."""

import http.server
import json
import os
import queue
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ["SANDBOX_URL"]
SECRET = os.environ["SANDBOX_SECRET"]
KEYS = os.environ["SANDBOX_KEYS"]
PATIENCE = 20

failed = 0


def check(name, good, seen=None):
    """One line of the table; a failed one says what was seen."""
    global failed
    failed += not good
    detail = "" if good else f"\tsaw {seen!r}"
    print(f"{'ok' if good else 'FAIL'}\t{name}{detail}", flush=True)


def refused(name, call, what):
    """A call that must fail in the way that `what` recognises."""
    try:
        check(name, False, call())
    except Exception as error:  # The libraries share no type of error.
        check(name, bool(what(error)), (type(error).__name__, str(error)))


def steps(*parts):
    """Runs the parts in order; one that breaks off is a failed check, and the end."""
    try:
        for part in parts:
            part()
    except Exception as error:
        check("goes on to the end", False, (type(error).__name__, str(error)))
    sys.exit(1 if failed else 0)


def control(path, body=None, method="POST"):
    """Plays the payer, the bank and the back office."""
    request = urllib.request.Request(
        f"{URL}/__ctl/{path}",
        data=json.dumps(body or {}).encode(),
        method=method,
        headers={"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


if os.environ.get("SANDBOX_SABOTAGE"):
    control("faults", json.loads(os.environ["SANDBOX_SABOTAGE"]))


def read_key(name):
    with open(os.path.join(KEYS, name), encoding="ascii") as file:
        return file.read()


class Page:
    """A browser that follows a redirect and presses a button."""

    def __init__(self, url):
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            self.url, self.text = answer.geturl(), answer.read().decode("utf-8", "replace")

    def press(self, button):
        url = f"{self.url}/{button}"
        with urllib.request.urlopen(url, data=b"", timeout=PATIENCE) as answer:
            return answer.read().decode()


class Ear:
    """A shop's address for notifications, which answers as it is told to."""

    def __init__(self, answer=b"success"):
        heard = self.heard = queue.Queue()
        answers = self.answers = [answer]
        self.passed = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                heard.put((dict(self.headers), body))
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/hear"

    def hear(self, wanted=lambda _headers, _body: True):
        """The first notification that is wanted. Others wait: they come in any order."""
        for at, (headers, body) in enumerate(self.passed):
            if wanted(headers, body):
                return self.passed.pop(at)
        while True:
            headers, body = self.heard.get(timeout=PATIENCE)
            if wanted(headers, body):
                return headers, body
            self.passed.append((headers, body))
