"""Runs the program in a new process that sends itself a signal after a given number of calls.

A test that waits for a file and then sends a signal may come too late on a busy machine. Here the
process sends the signal to itself.
"""

import json
import subprocess
import sys

from helpers.command_line import WIDE

# PROGRAM waits until the process opens a matching file for writing or renames one. From then on it
# looks at the folder during function calls.
PROGRAM = """
import fnmatch, json, os, signal, sys

folder, pattern, left, number, words = json.loads(sys.argv[1])
sys.argv = ["chainrule", *words]
# A process in the background inherits that SIGINT is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
before, begun, watched = None, False, 0

def matches(name):
    return fnmatch.fnmatchcase(name, pattern)

def named(path):
    return isinstance(path, str | os.PathLike) and matches(os.path.basename(path))

def state():
    return {entry.name: (status.st_mtime_ns, status.st_ino) for entry in os.scandir(folder)
            if matches(entry.name) and (status := entry.stat()).st_size}

def hook(event, arguments):
    global before
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    writes = writes or event in ("os.rename", "os.link")
    if before is None and writes and any(map(named, arguments[:2])):
        before = state()
        sys.setprofile(watch)

def watch(frame, event, argument):
    global begun, left, watched
    watched += 1
    if not begun and (watched < 2000 or watched % 100 == 0):  # a look at the folder is slow
        begun = state() != before
    left -= begun
    if left < 0:
        sys.setprofile(None)
        signal.raise_signal(number)

sys.addaudithook(hook)
import chainrule.cli.main
chainrule.cli.main.main()
"""


def struck(*words, cwd, signal, watched, calls=0):
    """Exit code and stderr of a program that sends itself a signal after it wrote a watched file.

    Args:
        words: the arguments of the command line.
        cwd: the working folder.
        signal: the signal's number.
        watched: a pattern of file names. The write counts once such a file in the folder has a
            first byte or is replaced.
        calls: number of function calls and returns between that write and the signal.
    """
    request = json.dumps([str(cwd), watched, calls, int(signal), list(map(str, words))])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, request], cwd=cwd, env=WIDE, capture_output=True, text=True
    )
    return done.returncode, done.stderr
