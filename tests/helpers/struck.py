"""The program in a process of its own, struck by a signal in the middle of its work: not after a time, but after so many calls.

A test that waits for a file and then sends a signal comes too late where the machine is busy. Here the process strikes itself.
"""

import json
import subprocess
import sys

from helpers.command_line import WIDE

# What is watched: the process's own openings for writing and renamings, then the folder, call by call.
PROGRAM = """
import fnmatch, json, os, signal, sys

folder, pattern, left, number, words = json.loads(sys.argv[1])
sys.argv = ["chainrule", *words]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background inherits that it is ignored
before, begun, watched = None, False, 0

def named(path):
    return isinstance(path, str | os.PathLike) and fnmatch.fnmatchcase(os.path.basename(path), pattern)

def state():
    return {entry.name: (status.st_mtime_ns, status.st_ino) for entry in os.scandir(folder)
            if fnmatch.fnmatchcase(entry.name, pattern) and (status := entry.stat()).st_size}

def hook(event, arguments):
    global before
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if before is None and (writes or event in ("os.rename", "os.link")) and any(map(named, arguments[:2])):
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
    """Exit code and stderr of the program, which sends itself a signal so many calls after it has written a watched file.

    Args:
        words: what is typed.
        cwd: the folder it is typed in.
        signal: the signal's number.
        watched: a pattern of names of files in the folder, one of which appears with a first byte or is replaced.
        calls: calls and returns of functions to let pass after that.
    """
    request = json.dumps([str(cwd), watched, calls, int(signal), list(map(str, words))])
    done = subprocess.run([sys.executable, "-c", PROGRAM, request], cwd=cwd, env=WIDE, capture_output=True, text=True)
    return done.returncode, done.stderr
