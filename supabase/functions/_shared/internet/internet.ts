/**
 * Files of the public internet, from addresses that users choose. A request goes to the address that was
 * checked: the name is resolved once, every one of its addresses must be public, and redirects are followed
 * here, each with the same checks. So neither a redirect nor a changed name (DNS rebinding) leads into the
 * network of the function. Source: https://cheatsheetseries.owasp.org, "Server-Side Request Forgery
 * Prevention". Files outside this folder import this file only.
 */
import { inTime } from "../inTime.ts";
import { isPublicAddress, literalAddress } from "./addresses.ts";
import { type HttpAnswer, httpGet } from "./httpGet.ts";
import { close, type Connection, hostNetwork, type Network } from "./network.ts";

export { isPublicAddress } from "./addresses.ts";
export type { Connection, Network } from "./network.ts";

const MAXIMUM_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/** An answer, and the URL that sent it after all redirects. */
export interface PublicAnswer extends HttpAnswer {
  url: URL;
}

interface Limits {
  /** Bytes that are read. The rest of a larger body is left out. */
  maximumBytes: number;
  /** Time for the whole request, with its redirects. */
  timeoutMs: number;
}

export interface Internet {
  /** Requests a URL. Throws `NoPublicAnswer`. */
  get(url: string | URL, limits: Limits): Promise<PublicAnswer>;
}

/** Thrown when a URL gives no answer, or must not be requested. */
export class NoPublicAnswer extends Error {
  /** @param isTemporary whether a later request may succeed. */
  constructor(message: string, readonly isTemporary: boolean, cause?: unknown) {
    super(message, { cause });
  }
}

/** Creates the client. `network` is for tests. */
export function createInternet(network: Network = hostNetwork): Internet {
  return { get: (url, limits) => getInTime(network, url, limits) };
}

/** Opens a connection that is closed at the end of the request. */
type Connect = Network["connect"];

async function getInTime(
  network: Network,
  url: string | URL,
  { maximumBytes, timeoutMs }: Limits,
): Promise<PublicAnswer> {
  const opened = new Set<Connection>();
  let isOver = false;
  const connect: Connect = async (...target) => {
    const connection = await network.connect(...target);
    if (isOver) close(connection);
    opened.add(connection);
    return connection;
  };
  try {
    const answer = follow({ ...network, connect }, url, maximumBytes);
    return await inTime(answer, timeoutMs, () => new NoPublicAnswer("No answer in time", true));
  } catch (error) {
    throw error instanceof NoPublicAnswer ? error : new NoPublicAnswer("No answer", true, error);
  } finally {
    isOver = true;
    opened.forEach(close);
  }
}

async function follow(
  network: Network,
  start: string | URL,
  maximumBytes: number,
): Promise<PublicAnswer> {
  let url = parsed(start);
  for (let hop = 0; hop <= MAXIMUM_REDIRECTS; hop++) {
    const secure = url.protocol === "https:";
    const address = await publicAddressOf(network, url);
    const tlsName = secure ? url.hostname : undefined;
    const connection = await network.connect(address, secure ? 443 : 80, tlsName);
    const answer = await httpGet(connection, url, maximumBytes);
    const location = REDIRECTS.includes(answer.status) ? answer.headers.get("Location") : null;
    if (location === null) return { ...answer, url };
    close(connection);
    url = parsed(location, url);
  }
  throw new NoPublicAnswer("Too many redirects", false);
}

/** `URL` leaves out the default port, so any port is another one. */
function parsed(url: string | URL, base?: URL): URL {
  if (!URL.canParse(String(url), base)) throw new NoPublicAnswer("The URL is not valid", false);
  const result = new URL(url, base);
  const isHttp = result.protocol === "http:" || result.protocol === "https:";
  if (!isHttp || result.port !== "" || result.username !== "" || result.password !== "") {
    throw new NoPublicAnswer("The URL is not allowed", false);
  }
  return result;
}

/** Returns an address of the host, after all of its addresses were checked. */
async function publicAddressOf(network: Network, url: URL): Promise<string> {
  const literal = literalAddress(url);
  const addresses = literal === undefined ? await network.resolve(url.hostname) : [literal];
  const [address] = addresses;
  if (address === undefined) throw new NoPublicAnswer("The host does not exist", false);
  if (addresses.every(isPublicAddress)) return address;
  throw new NoPublicAnswer("The host is not on the public internet", false);
}
