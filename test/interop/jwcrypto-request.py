"""What python3-jwcrypto makes of tokens and keys: one JSON request on standard input, one JSON answer on standard output."""

import json
import sys

from jwcrypto import jwe, jwk, jws

KINDS = {
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "ES256": {"kty": "EC", "crv": "P-256"},
    "ECDH-ES": {"kty": "OKP", "crv": "X25519"},
}


def generate(alg):
    key = jwk.JWK.generate(**KINDS[alg])
    return {"private": json.loads(key.export()), "public": json.loads(key.export_public()), "kid": key.thumbprint()}


def sign(key, header, payload):
    token = jws.JWS(payload.encode())
    token.add_signature(jwk.JWK(**key), None, json.dumps(header), None)
    return {"token": token.serialize(compact=True)}


def verify(key, alg, token):
    read = jws.JWS()
    read.allowed_algs = [alg]
    read.deserialize(token, jwk.JWK(**key))
    return {"payload": read.payload.decode(), "header": read.jose_header}


def encrypt(key, header, token):
    made = jwe.JWE(token.encode(), json.dumps(header))
    made.add_recipient(jwk.JWK(**key))
    return {"token": made.serialize(compact=True)}


def decrypt(key, token):
    read = jwe.JWE()
    read.deserialize(token, jwk.JWK(**key))
    return {"payload": read.payload.decode(), "header": read.jose_header}


ACTS = {"generate": generate, "sign": sign, "verify": verify, "encrypt": encrypt, "decrypt": decrypt}

request = json.load(sys.stdin)
try:
    answer = ACTS[request.pop("act")](**request)
except (jws.InvalidJWSSignature, jwe.InvalidJWEData) as refusal:
    answer = {"refused": type(refusal).__name__}
json.dump(answer, sys.stdout)
