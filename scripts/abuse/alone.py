"""What is done to replicas that are started for it, apart from the cluster under load."""

import os
import time

from client import Client, close_all, connect, frame, handshake, is_closed, wait


def idlers(field):
    ports, _ = field.start("idle", 1, {1: {"options": ["--timeout", "1"]}})
    idle = [connect(ports[0]) for _ in range(field.many(1000, 100))]
    until, closed = time.monotonic() + 10, 0
    while closed < len(idle) and time.monotonic() < until:
        time.sleep(0.05)
        closed = sum(is_closed(one) for one in idle)
    assert closed == len(idle), f"only {closed} of {len(idle)} were closed"
    return f"{len(idle)} connections that say nothing, {close_all(idle)} closed"


def few_descriptors(field):
    ports, _ = field.start("narrow", 2, {2: {"descriptors": 80}})
    crowd = [connect(ports[1]) for _ in range(300)]
    wait(field, 1)
    client = Client(ports[0])
    written = sum(client.ask("SET", "x", number) == "OK" for number in range(50))
    closed = close_all(crowd)
    assert written == 50, f"only {written} of 50 writes"
    refused = "300 clients at a replica with 80 descriptors"
    return f"{refused}, {closed} refused; its link went on, 50 writes through it"


def full_disk(field):
    options = ["--log-file", "/dev/full", "--trace", "/dev/full", "--log-level", "debug"]
    ports, _ = field.start("full", 1, {1: {"options": options}})
    return chatter(field, ports[0])


def closed_pipe(field):
    reading, writing = os.pipe()
    ports, _ = field.start("pipe", 1, {1: {"options": ["--log-level", "debug"], "stderr": writing}})
    os.close(writing)
    os.close(reading)
    return chatter(field, ports[0])


def chatter(field, port):
    """Makes a replica that logs everything say much."""
    client, count = Client(port), 0
    while field.goes_on() or count < 200:
        client.socket.sendall(frame("SET", "x", "y" * 1000) * 100)
        count += sum(client.reply() == "OK" for _ in range(100))
    status = dict(line.split(":", 1) for line in client.ask("STATUS").decode().splitlines() if ":" in line)
    return f"{count} writes, log_lost {status.get('log_lost', 0)}, trace_lost {status.get('trace_lost', 0)}"


class Liar(Client):
    """Plays replica 2 of two: shakes hands as it should, and then says what no replica would."""

    def __init__(self, ports, **other):
        super().__init__(ports[0], patience=3)
        self.socket.sendall(handshake(2, 1, ports, **other))
        self.welcome = self.reply()

    def lie(self, *words):
        """What the replica does about a frame: `refused`, `closed` or `taken`."""
        self.send(*words)
        try:
            while True:
                answer = self.reply()
                if answer[0] == b"REFUSE":
                    return "refused"
                if answer[0] == b"HEARTBEAT" and words:
                    # What came before it was read: heartbeats are answered in order.
                    self.send("HEARTBEAT", 99)
                    words = ()
                if answer == [b"HEARTBEATACK", b"99"]:
                    return "taken"
        except (ConnectionError, TimeoutError):
            return "closed"


FAR, END = 1 << 62, (1 << 64) - 1
ORDERED_LIES = [
    ("MCAST", 0, FAR, 3, "SET", "x", 1), ("MCAST", 0, END, 3, "SET", "x", 1), ("MCAST", END, END, 0),
    ("MCAST", 0, (1 << 40) + 1000, 0), ("MCAST", 5, 6, 1, "GET"), ("MCAST", 0, 2, 3, "SET", "x", 1, 1, 1, "GET"),
    ("MCAST", 0, 1, f"{END}w1", "k"), ("MCAST", 0, 1, "99999999+1", "a"), ("ACK", f"{END}.2"), ("ACK", f"{END}.1"),
    ("ACK", f"{FAR}.65535"), ("ACK", f"1.1@{END}"), ("ACK", "1.0"), ("UPDATE", 1, "k", "v"), ("ROUND",),
    ("HEARTBEAT", END), ("HEARTBEAT", 1, END, "f" * 32, "f" * 32), ("HEARTBEAT", 2, "full"),
    ("HEARTBEATACK", END), ("CONFIRM", 1), ("REFUSE", "protocol", "\r\nforged\x1b" * 1000),
    ("PEER", "version=1"), ("MCAST", 0, *(word for time in range(1, 5000) for word in (time, 1, "PING"))),
    ("REFUSE", "mismatch"), ("SET", "x", 1),
]
EVENTUAL_LIES = [
    ("VECTOR", "-", 1, 7, END), ("VECTOR", "-", 2, 7, END), ("VECTOR", "f" * 32, 2, 7, FAR), ("VECTOR", "-", 9, 9, 1),
    ("VECTOR", "-", *(word for number in range(3000) for word in (2, number + 1, 1))), ("UPDATE", FAR, "k", "v"),
    ("UPDATE", END, "k"), ("UPDATE", 0, "k", "v"), ("ENTRY", 1, 1, 1, "k", "v"), ("ENTRY", END, 2, 7, "k", "v"),
    ("ENTRY", 5, 65535, 1, "k"), ("ROUND",), ("END", 2, 7, END), ("END", 1, 7, END), ("END", 3, 1, 1), ("CONFIRM", END),
    ("CONFIRMED", END), ("UPDATE", 1, "k" * 70000, "v"), ("UPDATE", 1, "k", b"v" * (17 << 20)), ("ROUND",), ("ROUND",),
    ("HEARTBEATACK", 0), ("MCAST", 0, 1, 0), ("ACK", "1.1"),
    # Starts of replica 2 that never were.
    ("END", *(word for number in range(20000) for word in (2, number + 1, 1))),
]


def lies(field, model, lies):
    ports, _ = field.start(f"liar-{model}", 1, {}, ghosts=1, model=model)
    said, told = {}, 0
    while told < len(lies):
        liar = Liar(ports, consistency=model)
        assert liar.welcome[0] == b"PEER", liar.welcome
        answer = liar.lie(*lies[told])
        said[answer] = said.get(answer, 0) + 1
        told += 1
        liar.close()
    # It still works for its clients, with a peer that keeps the rules.
    liar = Liar(ports, consistency=model)
    client = Client(ports[0])
    client.send("SET", "after", "1")
    if model != "eventual":
        frames = iter(liar.reply, None)
        written = next(one for one in frames if one[0] == b"MCAST" and b"after" in one)
        liar.send("ACK", f"{written[2].decode()}.1")
    answer = client.reply()
    assert answer == "OK", answer
    return ", ".join(f"{count} {answer}" for answer, count in sorted(said.items())) + "; then a write: OK"


def ordered_lies(field):
    return lies(field, "sequential", ORDERED_LIES)


def eventual_lies(field):
    return lies(field, "eventual", EVENTUAL_LIES)
