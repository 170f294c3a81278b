"""What is done to the cluster under load: each attack a small function, and the table of all at the end.

An attack gets a Field, works for about `field.seconds`, and returns in a few words what came of it. It may leave
nothing behind but data below keys of its own, which it deletes where they are large.
"""

import os
import random
import signal
import socket
import struct
import time

from alone import closed_pipe, eventual_lies, few_descriptors, full_disk, idlers, ordered_lies
from client import Client, close_all, connect, frame, handshake, summary, throw, wait

# Ends all keys of a family that once met in one place of the table, under a hash without a secret.
COLLIDING = bytes.fromhex("170947b5b5d5843f")
HUGE = 16777215  # the last byte that a value of the largest size has


def unread(field):
    with_value = Client(field.ports[0])
    with_value.ask("SET", "abuse:big", b"x" * (1 << 20))
    request = frame("GET", "abuse:big") * 500 + frame("ORDER", 1, 1000000)
    readers = [connect(field.ports[number % 3]) for number in range(field.many(30, 6))]
    for reader in readers:
        throw(reader, request)
    wait(field)
    closed = close_all(readers)
    with_value.ask("DEL", "abuse:big")
    return f"{len(readers)} clients asked for 500 MiB each and read nothing, {closed} closed"


def pipelines(field):
    piece = b"".join(frame("SET", f"abuse:p{number}", "v" * 20) for number in range(1000))
    writers = [connect(field.ports[number % 3]) for number in range(4)]
    sent, rest = 0, {writer: b"" for writer in writers}
    while field.goes_on():
        idle = True
        for number, writer in enumerate(writers):
            # Half of them take their replies, so that only the work holds them up.
            writer.setblocking(False)
            try:
                rest[writer] = rest[writer] or piece
                count = writer.send(rest[writer])
                rest[writer] = rest[writer][count:]
                sent, idle = sent + count, False
                if number % 2 == 0:
                    writer.recv(1 << 20)
            except BlockingIOError:
                pass
        if idle:
            time.sleep(0.005)
    close_all(writers)
    return f"{sent >> 20} MiB of SET in 4 pipelines, of which 2 read their replies"


def unfinished(field):
    begun = [connect(field.any_port()) for _ in range(field.many(100, 20))]
    head = b"*3\r\n$3\r\nSET\r\n$7\r\nabuse:u\r\n$16000000\r\n"
    body = b"y" * (field.many(8, 2) << 20)
    for one in begun:
        throw(one, head + body)
    wait(field)
    closed = close_all(begun)
    return f"{len(begun)} clients sent {len(body) >> 20} MiB each of a larger value, {closed} closed"


def monitors(field):
    kinds = [("MONITOR",), ("MONITOR", "ORDER"), ("MONITOR", "FRAMES")]
    watchers = [connect(field.ports[number % 3]) for number in range(field.many(30, 9))]
    for number, watcher in enumerate(watchers):
        throw(watcher, frame(*kinds[number % 3]))
    writers = [Client(port) for port in field.ports]
    wrote = 0
    while field.goes_on():
        for writer in writers:
            writer.socket.sendall(frame("SET", "abuse:m", "z" * 4096) * 20)
        for writer in writers:
            wrote += sum(writer.reply() == "OK" for _ in range(20))
    closed = close_all(watchers)
    return f"{len(watchers)} that read nothing, {wrote} writes, {closed} closed"


def collisions(field):
    client = Client(field.ports[0], patience=60)
    count = field.many(20000, 2000)

    def seconds(keys):
        requests = b"".join(frame("SET", key, "1") + frame("GET", key) for key in keys)
        begun = time.monotonic()
        for at in range(0, len(requests), 1 << 16):
            client.socket.sendall(requests[at : at + (1 << 16)])
        for _ in range(2 * len(keys)):
            client.reply()
        return time.monotonic() - begun

    def family(end):
        return [random.randbytes(8) + end() for _ in range(count)]

    colliding = family(lambda: COLLIDING)
    others = family(lambda: random.randbytes(8))
    # The first of a kind warms up whatever there is to warm up.
    seconds(others[: count // 10])
    ratio = seconds(colliding) / max(seconds(others), 0.001)
    for keys in (colliding, others):
        for at in range(0, count, 1000):
            client.ask("DEL", *keys[at : at + 1000])
    return f"{count} keys that collided once take {ratio:.1f} times as long as others"


def large_transactions(field):
    client, said = Client(field.ports[1], patience=60), []
    while field.goes_on() or not said:
        # More than the data may take, and as much as is done.
        for count in (field.many(20000, 500), field.many(20, 2)):
            client.socket.sendall(frame("MULTI") + frame("SETRANGE", "abuse:t", HUGE, "a") * count + frame("EXEC"))
            said.append([client.reply() for _ in range(count + 2)][-1])
        if field.small:
            break
    client.ask("DEL", "abuse:t")
    return f"{len(said)} of many SETRANGE: {summary(said)}"


def large_values(field):
    # Ten gigabytes, if nothing bounded the data.
    count = field.many(600, 8)
    client = Client(field.ports[2], patience=120)
    keys, replies = [f"abuse:v{number}" for number in range(count)], []
    try:
        for key in keys:
            client.send("SETRANGE", key, HUGE, "a")
        replies += [client.reply() for _ in keys]
    finally:
        Client(field.ports[1], patience=120).ask("DEL", *keys)
    return f"SETRANGE of 16 MiB on {count} keys: {summary(replies)}"


def watches(field):
    client, count, piece = Client(field.ports[0], patience=60), field.many(3000, 300), 100
    said = []
    for at in range(0, count, piece):
        said.append(client.ask("WATCH", *(b"w" * 60000 + b"%d" % number for number in range(at, at + piece))))
    client.ask("MULTI")
    client.ask("SET", "abuse:w", "1")
    return f"{count} keys of 60 kB: {summary(said)}; EXEC: {summary([client.ask('EXEC')])}"


def no_exec(field):
    writers, said = [Client(field.any_port(), patience=30) for _ in range(field.many(30, 4))], []
    for writer in writers:
        try:
            writer.socket.sendall(frame("MULTI") + frame("SET", "abuse:n", "x" * (1 << 20)) * field.many(70, 8))
            said += [writer.reply() for _ in range(field.many(70, 8) + 1)]
        except (ConnectionError, TimeoutError):
            said.append("closed")
    wait(field)
    for writer in writers:
        writer.close()
    return f"{len(writers)} transactions of 1 MiB a command: {summary(said)}"


def empty_words(field):
    hoarders = [connect(field.any_port()) for _ in range(field.many(20, 3))]
    for hoarder in hoarders:
        hoarder.settimeout(5)
        hoarder.sendall(b"*1000001\r\n" + b"$0\r\n\r\n" * 1000000)
    wait(field)
    closed = close_all(hoarders)
    return f"{len(hoarders)} requests of a million empty words, the last one missing, {closed} closed"


def patterns(field):
    client, asked, worst = Client(field.ports[0], patience=60), 0, 0
    for number in range(20):
        client.ask("SET", b"a" * 60000 + b"%d" % number, "1")
    while field.goes_on() or not asked:
        begun = time.monotonic()
        client.ask("KEYS", b"a*" * field.many(500, 20) + b"b")
        worst, asked = max(worst, time.monotonic() - begun), asked + 1
    for number in range(20):
        client.ask("DEL", b"a" * 60000 + b"%d" % number)
    return f"{asked} KEYS with many stars on 20 long keys, the slowest took {worst * 1000:.0f} ms"


def noise(field):
    pieces = [b"*-9223372036854775808\r\n", b"*1048577\r\n", b"*1\r\n$-1\r\n", b"*99999999999999999999\r\n",
              b"\0\xff\n", b"$5\r\nhello\r\n", b"*2\r\n$3\r\nGET\r\n:5\r\n", b"POST / HTTP/1.1\r\n", b"\r\n" * 1000,
              b"x" * 70000, b"GET \"unbalanced\n", b"*1\r\n$70000000000\r\n", b"MCAST 0 1 1 X\n", b"ACK 1.1\n", b"HELLO 9\n"]
    count = 0
    while field.goes_on():
        stranger = connect(field.any_port())
        throw(stranger, b"".join(random.choices(pieces, k=3)) + random.randbytes(random.randrange(200)))
        if random.random() < 0.5:
            # An end without a word: what the replica sends next is answered with a reset.
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stranger.close()
        count += 1
    return f"{count} connections with nonsense, half of them reset"


def forged_lines(field):
    forged = "2026-01-01T00:00:00.000000Z  INFO forged\r\nready:forged\x1b[2J"
    words = [f"id={forged}", "cluster=" + "x" * 60000, f"consistency={forged}", f"version=1\n{forged}"]
    count = 0
    while field.goes_on():
        stranger = connect(field.any_port())
        peer = handshake(3, 1, field.ports, **dict([random.choice(words).split("=", 1)]))
        throw(stranger, random.choice([peer, frame("REFUSE", "protocol", forged), frame(forged, forged)]))
        throw(stranger, frame("CLIENT", "SETNAME", forged) + frame(forged))
        stranger.close()
        count += 1
    status = [Client(port).ask("STATUS") for port in field.ports]
    found = sum(b"\r\nready:forged" in one for one in status)
    assert not found, "STATUS has a forged line"
    return f"{count} strangers, no forged line in STATUS"


def signals(field):
    count = 0
    while field.goes_on():
        for pid in field.pids:
            for one in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGWINCH, signal.SIGURG):
                os.kill(pid, one)
                count += 1
        time.sleep(0.01)
    return f"{count}: HUP, USR1, USR2, PIPE, WINCH, URG"


# Against the cluster that is under load, or (False) against replicas of their own.
ATTACKS = [
    ("replies that nobody reads", unread, True),
    ("pipelines without an end", pipelines, True),
    ("requests without an end", unfinished, True),
    ("monitors that do not read", monitors, True),
    ("keys that collide", collisions, True),
    ("large transactions", large_transactions, True),
    ("large values", large_values, True),
    ("watched keys", watches, True),
    ("transactions without end", no_exec, True),
    ("a million empty words", empty_words, True),
    ("patterns with many stars", patterns, True),
    ("nonsense and resets", noise, True),
    ("words that forge lines", forged_lines, True),
    ("signals", signals, True),
    ("idle connections", idlers, False),
    ("few descriptors", few_descriptors, False),
    ("log on a full disk", full_disk, False),
    ("log into a closed pipe", closed_pipe, False),
    ("a peer that lies, ordered", ordered_lies, False),
    ("a peer that lies, eventual", eventual_lies, False),
]
