"""What attackers share: a connection, and what an attack may use."""

import random
import socket
import time


def frame(*words):
    """A request as an array."""
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


class Client:
    """A connection, on which replies are read one by one."""

    def __init__(self, port, patience=15):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")

    def send(self, *words):
        self.socket.sendall(frame(*words))

    def reply(self):
        """The next reply: text, a number, bytes, None, a list; of an error its text, which begins with `-`."""
        line = self.input.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("closed")
        kind, rest = line[:1], line[1:].rstrip()
        if kind == b"$":
            return None if rest == b"-1" else self.input.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        return int(rest) if kind == b":" else line.decode(errors="replace").strip().lstrip("+")

    def ask(self, *words):
        self.send(*words)
        return self.reply()

    def close(self):
        self.input.close()
        self.socket.close()


class Field:
    """What an attack may use."""

    def __init__(self, start, ports, pids, seconds, small):
        self.start = start  # starts replicas of its own: start(name, count, options, **popen) -> ports, pids
        self.ports, self.pids, self.seconds = ports, pids, seconds
        self.small = small  # whether this is the short form
        self.until = time.monotonic() + seconds

    def goes_on(self):
        return time.monotonic() < self.until

    def many(self, full, short):
        return short if self.small else full

    def any_port(self):
        return random.choice(self.ports)


def throw(connection, data):
    """Sends as much as is taken at once; whether all was, or the replica has closed the connection."""
    connection.settimeout(0.2)
    try:
        connection.sendall(data)
        return True
    except (TimeoutError, ConnectionError):
        return False


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def is_closed(connection):
    """Whether the replica has closed it; what it says before that is thrown away."""
    connection.setblocking(False)
    try:
        while connection.recv(1 << 20):
            pass
        return True
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def wait(field, seconds=None):
    """Nothing happens for the rest of the attack's time: what was sent is to lie there."""
    left = field.until - time.monotonic()
    time.sleep(max(0, min(left, seconds or left)))


def close_all(connections):
    closed = sum(is_closed(connection) for connection in connections)
    for connection in connections:
        connection.close()
    return closed


def handshake(me, to, ports, **other):
    """The first frame of replica `me`; `other` are words in place of the true ones."""
    words = {
        "version": 1, "id": me, "to": to, "incarnation": 7, "cluster": ",".join(f"127.0.0.1:{port}" for port in ports),
        "consistency": "sequential", "max-key": 65536, "max-value": 16777216, "max-entry": 67108864,
        "known": 0, "have": 0,
    }
    return frame("PEER", *(f"{name}={value}" for name, value in {**words, **other}.items()))


def summary(replies):
    """How many replies there were of each kind."""
    counts = {}
    for reply in replies:
        kind = reply.split(" ")[0] if isinstance(reply, str) else type(reply).__name__
        counts[kind] = counts.get(kind, 0) + 1
    names = {"int": "done", "list": "done", "OK": "done", "NoneType": "stopped", "QUEUED": "queued"}
    return ", ".join(f"{names.get(kind, kind.lstrip('-'))} {count}" for kind, count in sorted(counts.items()))
