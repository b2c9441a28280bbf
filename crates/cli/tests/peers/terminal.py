"""Runs a program at a terminal of its own, as a person at a keyboard would.

Usage: terminal.py STEPS PROGRAM ARGUMENTS...

STEPS is JSON: a list of [text to wait for, keys to type]; `file:PATH` waits for a file instead. Prints all that the program wrote, without what commands the
terminal, and ends with the program's exit code. Ends with 99 where the program did not write what was waited for.
"""

import json
import os
import pty
import re
import select
import sys
import time

LIMIT = 45.0
COMMANDS = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>]|\r")


def main():
    steps = json.loads(sys.argv[1])
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(sys.argv[2], sys.argv[2:])
    deadline = time.monotonic() + LIMIT
    written = b""
    seen = 0
    failed = False
    while True:
        text = COMMANDS.sub(b"", written)
        if steps and steps[0][0].startswith("file:"):
            if os.path.exists(steps[0][0][5:]):
                os.write(terminal, steps.pop(0)[1].encode())
                continue
        elif steps:
            at = text.find(steps[0][0].encode(), seen)
            if at >= 0:
                seen = at + len(steps[0][0].encode())
                os.write(terminal, steps.pop(0)[1].encode())
                continue
        left = deadline - time.monotonic()
        if left <= 0:
            failed = True
            break
        # A file makes no noise.
        if not select.select([terminal], [], [], min(left, 0.02))[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break  # On Linux, how the other end of a terminal closes.
        if not piece:
            break
        written += piece
    if failed:
        os.kill(child, 9)
    status = os.waitpid(child, 0)[1]
    sys.stdout.write(COMMANDS.sub(b"", written).decode(errors="replace"))
    if steps:
        sys.stdout.write("\n[waited in vain for: %s]\n" % steps[0][0])
        sys.exit(99)
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


main()
