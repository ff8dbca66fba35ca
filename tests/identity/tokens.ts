/** Tokens signed by the test, and a server of the keys that verify them. */
import {
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";

/** A pair of keys with its id. */
export interface SigningKey {
  kid: string;
  alg: "ES256" | "RS256";
  privateKey: CryptoKey;
  /** The public key as in a key set. */
  publicJwk: JWK;
}

/** Generates a pair of keys. */
export async function makeKey(alg: "ES256" | "RS256"): Promise<SigningKey> {
  const kid = crypto.randomUUID();
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    kid,
    alg,
    privateKey,
    publicJwk: { ...await exportJWK(publicKey), kid, alg, use: "sig" },
  };
}

/** Signs claims. `header` overrides the key's own header. */
export async function sign(
  claims: JWTPayload,
  key: SigningKey | string,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const jwt = new SignJWT(claims);
  if (typeof key === "string") {
    const secret = new TextEncoder().encode(key);
    return await jwt.setProtectedHeader({ alg: "HS256", typ: "JWT", ...header }).sign(secret);
  }
  const { alg, kid, privateKey } = key;
  return await jwt.setProtectedHeader({ alg, kid, typ: "JWT", ...header }).sign(privateKey);
}

/** A token without a signature. */
export function unsigned(claims: JWTPayload, header: object): string {
  const encode = (value: object) =>
    btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${encode(header)}.${encode(claims)}.`;
}

/** The time some seconds from now, in seconds since 1970. */
export function fromNow(seconds: number): number {
  return Math.floor(Date.now() / 1_000) + seconds;
}

/** A server of a key set, which tests may change. */
export interface KeyServer extends AsyncDisposable {
  url: string;
  keys: JWK[];
  status: number;
  /** The number of requests so far. */
  requests: number;
}

/** Starts a key server on a free port. */
export function serveKeys(keys: SigningKey[]): KeyServer {
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    server.requests++;
    return Response.json({ keys: server.keys }, { status: server.status });
  });
  const server: KeyServer = {
    url: `http://127.0.0.1:${http.addr.port}/jwks.json`,
    keys: keys.map(({ publicJwk }) => publicJwk),
    status: 200,
    requests: 0,
    [Symbol.asyncDispose]: () => http.shutdown(),
  };
  return server;
}
