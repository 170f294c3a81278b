"""Attacks a cluster under load and says what came of it. scripts/abuse.sh runs it and says more.

usage: abuse PROGRAMS RUN_FOLDER SECONDS short|full
"""

import json
import multiprocessing
import os
import queue
import re
import resource
import subprocess
import sys
import time

from attacks import ATTACKS
from client import Client, Field

POLITE_STALL_MAX_MS = 250
LINE = re.compile(rb"\d{4}-\d\d-\d\dT\S+Z +(ERROR|WARN|INFO|DEBUG) ")
# Attackers say that time.
FORGED = b"2026-01-01T00:00:00"


def free_ports(programs, count):
    lab = [f"{programs}/holdback-lab", "free-ports", str(count)]
    return [int(port) for port in subprocess.check_output(lab, text=True).strip().split(",")]


class Bounds:
    """The limits that replicas are given, in MiB, and what they add up to."""

    def __init__(self, small):
        limits = {
            "--max-memory": 64 if small else 512,
            "--max-clients-memory": 64 if small else 256,
            "--max-output": 32 if small else 128,
            "--max-queue": 48 if small else 192,
            "--order-bytes": 16 if small else 64,
        }
        self.options = ["--max-pending", "16mb" if small else "64mb"]
        for flag, size in limits.items():
            self.options += [flag, f"{size}mb"]
        # Frames of the largest size from two peers, the lines of the log, and the program itself.
        rest = 2 * 66 + 2 * 16 + 32
        # A quarter more for what an allocator leaves between.
        self.mib = (sum(limits.values()) + rest) * 5 // 4
        listed = " + ".join(f"{flag.lstrip('-')} {size}" for flag, size in limits.items())
        self.words = f"{listed} + frames, log and program {rest}, and a quarter"


class Replicas:
    """Everything that was started, by the name of its cluster; it ends with this program."""

    def __init__(self, programs, folder, options):
        self.programs, self.folder, self.options = programs, folder, options
        self.running = []  # name, id, process
        self.logs = []

    def start(self, name, count, special, ghosts=0, model="sequential"):
        """Starts replicas 1 to `count`, and waits until they serve. Somebody else plays the `ghosts` behind them."""
        ports = free_ports(self.programs, count + ghosts)
        addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
        pids = []
        for number in range(1, count + 1):
            how = special.get(number, {})
            log = os.path.join(self.folder, f"{name}-{number}.log")
            command = [f"{self.programs}/holdback-server", "--id", str(number), "--cluster", addresses]
            command += ["--consistency", model, *self.options]
            if "stderr" not in how and "--log-file" not in how.get("options", []):
                command += ["--log-file", log]
                self.logs.append(log)
            command += how.get("options", [])
            limit = how.get("descriptors")
            before = (lambda limit=limit: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))) if limit else None
            null, error = subprocess.DEVNULL, how.get("stderr")
            process = subprocess.Popen(command, stdin=null, stdout=null, stderr=error, preexec_fn=before)
            self.running.append((name, number, process))
            pids.append(process.pid)
        for port in ports[:count]:
            self.wait(port, 0 if ghosts else count - 1)
        return ports, pids

    def wait(self, port, links):
        """Until a replica listens and has its links. It is asked again and again: nothing could tell."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                client = Client(port)
                status = client.ask("STATUS").decode()
                client.close()
                if len(re.findall(r"^link_?\S*:.*\bup\b", status, re.M)) >= links:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise SystemExit(f"abuse: the replica at port {port} does not get ready")

    def dead(self):
        return [f"{name} {number}" for name, number, process in self.running if process.poll() is not None]

    def end_all_but(self, name):
        ending = [process for one, _, process in self.running if one != name]
        for process in ending:
            process.terminate()
        for process in ending:
            process.wait()
        self.running = [one for one in self.running if one[0] == name]


def peak_mib(pid, reset=False):
    """The most memory that a process has had since the last reset."""
    try:
        if reset:
            with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) // 1024
    except (OSError, TypeError):
        return 0


def polite(port, worst, ending):
    """Reads and writes small keys, and notes the longest that an answer took, in milliseconds."""
    client, number = Client(port, patience=60), 0
    while not ending.is_set():
        for request in (("SET", "polite", number), ("GET", "polite")):
            begun = time.monotonic()
            client.ask(*request)
            worst.value = max(worst.value, (time.monotonic() - begun) * 1000)
        number += 1
        ending.wait(0.02)


def attack(function, field, told):
    os.nice(5)
    try:
        told.put((True, function(field)))
    except ConnectionError as error:
        # A replica may do so to save itself. Whether it lives is looked at apart.
        told.put((True, f"closed by the replica: {error}"))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what came of it
        told.put((False, f"{type(error).__name__}: {error}"))


class Run:
    def __init__(self, programs, folder, seconds, small):
        self.programs, self.folder, self.seconds, self.small = programs, folder, seconds, small
        self.bounds = Bounds(small)
        self.replicas = Replicas(programs, folder, self.bounds.options)
        self.wrong = []
        self.stall = 0

    def go(self):
        model = "linearizable"
        self.ports, self.pids = self.replicas.start("main", 3, {}, model=model)
        numbered = enumerate(zip(self.ports, self.pids), 1)
        listed = [{"id": number, "address": f"127.0.0.1:{port}", "pid": pid} for number, (port, pid) in numbered]
        with open(os.path.join(self.folder, "cluster.json"), "w", encoding="utf-8") as file:
            json.dump({"consistency": model, "options": self.bounds.options, "replicas": listed}, file)
        load = [f"{self.programs}/holdback-lab", "load", "--run", self.folder, "--clients", "6"]
        load += ["--rate", "60", "--duration", str(self.seconds)]
        output = open(os.path.join(self.folder, "load.txt"), "w", encoding="utf-8")
        loading = subprocess.Popen(load, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        ending = multiprocessing.Event()
        self.worst = [multiprocessing.Value("d", 0.0) for _ in self.ports]
        clients = [
            multiprocessing.Process(target=polite, args=(port, worst, ending), daemon=True)
            for port, worst in zip(self.ports, self.worst)
        ]
        for client in clients:
            client.start()
        self.peaks = [0] * len(self.pids)
        share = self.seconds / len(ATTACKS)
        for name, function, is_main in ATTACKS:
            self.suffer(name, function, is_main, share)
        ending.set()
        loaded = loading.wait()
        for client in clients:
            client.join(20)
            if client.exitcode != 0:
                self.wrong.append("a polite client lost its connection")
        self.judge(loaded, model)

    def suffer(self, name, function, is_main, share):
        """One attack: how it went goes into a row of the table."""
        for worst in self.worst:
            worst.value = 0
        for pid in self.pids:
            peak_mib(pid, reset=True)
        if is_main:
            fine, said = self.from_outside(function, share)
            others = []
        else:
            fine, said, others = self.on_its_own(function, share)
        dead = self.replicas.dead()
        self.replicas.end_all_but("main")
        peaks = [peak_mib(pid) for pid in self.pids]
        self.peaks = [max(pair) for pair in zip(self.peaks, peaks)]
        stall = max(worst.value for worst in self.worst)
        self.stall = max(self.stall, stall)
        peak = max(others or peaks)
        if not fine:
            self.wrong.append(f"{name}: {said}")
        if dead:
            self.wrong.append(f"{name}: dead: {', '.join(dead)}")
        if peak > self.bounds.mib:
            self.wrong.append(f"{name}: {peak} MiB, above the bound of {self.bounds.mib}")
        print(ROW.format(name, "no" if dead else "yes", peak, round(stall), said), flush=True)

    def from_outside(self, function, share):
        """The attack in a process of its own, so that it can be ended."""
        told = multiprocessing.Queue()
        field = Field(None, self.ports, self.pids, share, self.small)
        process = multiprocessing.Process(target=attack, args=(function, field, told), daemon=True)
        process.start()
        try:
            return told.get(timeout=share + 120)
        except queue.Empty:
            process.kill()
            return False, "the attack did not end"

    def on_its_own(self, function, share):
        """The attack against replicas that it starts, and what memory these took."""
        field = Field(self.replicas.start, [], [], min(share, 5), self.small)
        try:
            fine, said = True, function(field)
        except Exception as error:  # noqa: BLE001
            fine, said = False, f"{type(error).__name__}: {error}"
        running = self.replicas.running
        return fine, said, [peak_mib(process.pid) for name, _, process in running if name != "main"]

    def judge(self, loaded, model):
        for port in self.ports:
            Client(port).ask("PING")
        check = [f"{self.programs}/holdback-lab", "check", "--model", model, self.folder]
        checked = subprocess.run(check, capture_output=True, text=True, check=False)
        verdict = checked.stdout.strip().splitlines()[0] if checked.stdout.strip() else checked.stderr.strip()
        if checked.returncode != 0:
            self.wrong.append("the verdict is not yes")
        self.forged()
        # It cannot read all data in the end where there is more than a client may take.
        noted = f"; the load ended with {loaded}, see load.txt" if loaded else ""
        print(f"\nrecorded load  {verdict}{noted}")
        peaks = ", ".join(f"{peak} MiB" for peak in self.peaks)
        print(f"peak memory    replicas {peaks}; bound {self.bounds.mib} MiB: {self.bounds.words}")
        judged = ", not judged in the short form" if self.small else ""
        print(f"polite clients waited {self.stall:.0f} ms at the most; limit {POLITE_STALL_MAX_MS} ms{judged}")
        if self.stall > POLITE_STALL_MAX_MS and not self.small:
            self.wrong.append("a polite client waited too long")

    def forged(self):
        """Every line of a log begins with its time, and none is a stranger's."""
        for path in self.replicas.logs:
            with open(path, "rb") as log:
                for line in log:
                    if not LINE.match(line) or line.startswith(FORGED):
                        self.wrong.append(f"{path} has a forged line: {line[:80]!r}")
                        break


ROW = "{:<27}{:<7}{:>8}{:>10}  {}"


def main():
    programs, folder, seconds, form = sys.argv[1:]
    run = Run(programs, folder, float(seconds), form == "short")
    print(ROW.format("attack", "alive", "MiB", "stall ms", "what came of it"), flush=True)
    try:
        run.go()
    finally:
        run.replicas.end_all_but(None)
    for what in run.wrong:
        print(f"WRONG: {what}")
    print("\nno" if run.wrong else "\nyes", f" everything is in {folder}")
    sys.exit(1 if run.wrong else 0)


if __name__ == "__main__":
    main()
