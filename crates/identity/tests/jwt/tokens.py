"""PyJWT reads the shop's access tokens by its published keys, and makes and forges some."""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.request
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SHOP = os.environ["SHOP_URL"].rstrip("/")
ISSUER = SHOP + "/"
bad = 0


def ask(path, body=None, token=None):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token is not None:
        headers["Authorization"] = "Bearer " + token
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(SHOP + path, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)


def check(what, good):
    global bad
    bad += not good
    print("ok  " if good else "FAIL", what)


def refused(what, token):
    status, body = ask("/api/v1/me", token=token)
    check(f"{what} is refused", (status, body.get("type")) == (401, "/problems/token-invalid"))


def part(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


_, session = ask(
    "/api/v1/accounts",
    {"login": "ada@example.org", "password": "correct horse battery", "name": "Ada"},
)
ours = session["token"]
_, published = ask("/.well-known/jwks.json")
keys = jwt.PyJWKSet.from_dict(published)
head = jwt.get_unverified_header(ours)
key = keys[head["kid"]]
claims = jwt.decode(ours, key, algorithms=["EdDSA"], audience="holdfast", issuer=ISSUER)
check("our token is read by PyJWT with our published key", claims["sid"] == session["session_id"])
check("its head says what it is", (head["alg"], head["typ"]) == ("EdDSA", "at+jwt"))
check("its end is the one announced", claims["exp"] - claims["iat"] == 900)
try:
    jwt.decode(ours[:-4] + "AAAA", key, algorithms=["EdDSA"], audience="holdfast")
    check("an altered token of ours is refused by PyJWT", False)
except jwt.InvalidSignatureError:
    check("an altered token of ours is refused by PyJWT", True)

database = sqlite3.connect(os.environ["SHOP_DATABASE"])
(seed,) = database.execute("select value from secrets where name = 'access-token'").fetchone()
database.close()
private = Ed25519PrivateKey.from_private_bytes(seed)
heads = {"typ": "at+jwt", "kid": head["kid"]}
now = int(time.time())
made = {**claims, "jti": str(uuid.uuid4()), "iat": now, "nbf": now, "exp": now + 60}
theirs = jwt.encode(made, private, algorithm="EdDSA", headers=heads)
status, me = ask("/api/v1/me", token=theirs)
check("a token that PyJWT made with the same key is read", (status, me.get("email")) == (200, "ada@example.org"))

public = private.public_key().public_bytes_raw()
text = f"{part({**heads, 'alg': 'HS256'})}.{part(made)}"
forged = hmac.new(public, text.encode(), hashlib.sha256).digest()
refused("HS256 with the public key", f"{text}.{part(forged)}")
refused("none", jwt.encode(made, None, algorithm="none", headers=heads))
refused("another key", jwt.encode(made, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=heads))
refused("another type", jwt.encode(made, private, algorithm="EdDSA", headers={"kid": head["kid"]}))
refused("an unknown key", jwt.encode(made, private, algorithm="EdDSA", headers={**heads, "kid": "x"}))
for field, value in [("iss", "https://other/"), ("aud", "other"), ("exp", now - 1), ("nbf", now + 99)]:
    refused(f"another {field}", jwt.encode({**made, field: value}, private, algorithm="EdDSA", headers=heads))
refused("a head with jku", jwt.encode(made, private, algorithm="EdDSA", headers={**heads, "jku": SHOP}))
refused("64 KB", "x" * 20000)
sys.exit(bad > 0)
