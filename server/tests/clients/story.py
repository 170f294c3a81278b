"""The story with redis-py, plain and asyncio, as a user would write it: default options throughout.

Usage: story.py PORT MODEL
"""

import asyncio
import sys

import redis
import redis.asyncio

PORT, MODEL = int(sys.argv[1]), sys.argv[2]
ORDERED = MODEL != "eventual"


def expect(found, wanted, what):
    assert found == wanted, f"{what}: {found!r}, expected {wanted!r}"


def refused(call, code):
    try:
        found = call()
    except redis.ResponseError as error:
        assert str(error).startswith(code), f"{error} does not begin with {code}"
        return
    raise AssertionError(f"{code} expected, found {found!r}")


def plain():
    r = redis.Redis(port=PORT)
    key = f"py:{PORT}:"
    expect(r.ping(), True, "ping")
    expect(r.set(key + "a", "1"), True, "set")
    expect(r.get(key + "a"), b"1", "get")
    expect(r.get(key + "none"), None, "get of nothing")
    binary = bytes(range(256)) + b"\r\n$3\r\n"
    r.set(key + "binary", binary)
    expect(r.get(key + "binary"), binary, "binary value")
    big = b"x" * 1_000_000
    r.set(key + "big", big)
    expect(r.get(key + "big"), big, "big value")
    expect(r.mset({key + "m1": "1", key + "m2": "2"}), True, "mset")
    expect(r.mget(key + "m1", key + "none", key + "m2"), [b"1", None, b"2"], "mget")
    expect(r.exists(key + "m1", key + "none"), 1, "exists")
    expect(r.strlen(key + "m1"), 1, "strlen")
    expect(r.type(key + "m1"), b"string", "type")
    expect(r.getrange(key + "binary", 65, 67), b"ABC", "getrange")
    expect(r.ttl(key + "a"), -1, "ttl")
    expect(r.delete(key + "m1", key + "m2"), 2, "delete")
    found = set(r.scan_iter(match=key + "*", count=3))
    expect(found, {(key + name).encode() for name in ("a", "binary", "big")}, "scan_iter")
    expect(r.client_setname("story"), True, "client_setname")
    expect(r.client_getname(), "story", "client_getname")
    assert r.info()["holdback_version"] and r.dbsize() >= 3 and r.time()[0] > 0
    expect(r.config_get("appendonly"), {"appendonly": "no"}, "config_get")
    refused(lambda: r.lpush(key + "l", 1), "LPUSH works on lists")
    refused(lambda: r.expire(key + "a", 1), "EXPIRE is not supported")
    pipeline = r.pipeline(transaction=False)
    for number in range(100):
        pipeline.set(key + "p", number).get(key + "p")
    expect(pipeline.execute()[1::2], [b"%d" % n for n in range(100)], "pipeline")
    if not ORDERED:
        refused(lambda: r.incr(key + "n"), "NEEDSORDER")
        refused(lambda: r.set(key + "a", "2", nx=True), "NEEDSORDER")
        return
    r.delete(key + "n", key + "f", key + "s")
    expect([r.incr(key + "n"), r.incrby(key + "n", 5), r.decr(key + "n")], [1, 6, 5], "incr")
    expect(r.incrbyfloat(key + "f", 1.5), 1.5, "incrbyfloat")
    expect(r.append(key + "s", "ab"), 2, "append")
    expect(r.set(key + "a", "2", nx=True), None, "set nx")
    expect(r.set(key + "a", "2", xx=True, get=True), b"1", "set xx get")
    refused(lambda: r.incr(key + "s"), "value is not an integer")
    with r.pipeline() as transaction:
        expect(transaction.incr(key + "n").incr(key + "n").execute(), [6, 7], "transaction")
    expect(r.transaction(lambda p: (p.multi(), p.set(key + "n", 1)), key + "n"), [True], "watch")
    with r.pipeline() as watching:
        watching.watch(key + "n")
        r.set(key + "n", 9)
        watching.multi()
        watching.set(key + "n", 10)
        try:
            watching.execute()
            raise AssertionError("a watched key changed and EXEC went through")
        except redis.WatchError:
            pass
    expect(r.get(key + "n"), b"9", "an aborted transaction")
    expect(r.rename(key + "n", key + "n2"), True, "rename")
    expect(r.copy(key + "n2", key + "n3"), True, "copy")
    expect(r.wait(1, 100), 2, "wait")


async def asynchronous():
    async with redis.asyncio.Redis(port=PORT) as r:
        key = f"aio:{PORT}:"
        expect(await r.set(key + "a", "1"), True, "async set")
        values = await asyncio.gather(*(r.get(key + "a") for _ in range(20)))
        expect(values, [b"1"] * 20, "async gets at once")
        expect([k async for k in r.scan_iter(match=key + "*")], [(key + "a").encode()], "async scan")
        if ORDERED:
            await r.delete(key + "n")
            await asyncio.gather(*(r.incr(key + "n") for _ in range(20)))
            expect(await r.get(key + "n"), b"20", "async increments")
            async with r.pipeline(transaction=True) as pipeline:
                expect(await pipeline.incr(key + "n").get(key + "n").execute(), [21, b"21"], "async txn")


plain()
asyncio.run(asynchronous())
