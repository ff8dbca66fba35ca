/** Where pictures come from: gravatars by e-mail address, and the icons of websites. */
import {
  type Internet,
  NoPublicAnswer,
  type PublicAnswer,
} from "../../_shared/internet/internet.ts";
import { type Image, imageOf } from "./images.ts";

/** Time for one request, with its redirects. */
const TIMEOUT_MS = 5_000;
const MAXIMUM_IMAGE = 200_000;
const MAXIMUM_PAGE = 131_072;
const MAXIMUM_ICONS = 4;
/** Pixels of a gravatar. Atomic CRM shows avatars with at most 80. */
const GRAVATAR_SIZE = 80;

/** Returns the gravatar of an e-mail address. Source: https://docs.gravatar.com/rest/hash/ */
export async function findGravatar(internet: Internet, email: string): Promise<Image | undefined> {
  const bytes = new TextEncoder().encode(email.trim().toLowerCase());
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const text = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const url = `https://www.gravatar.com/avatar/${text}?s=${GRAVATAR_SIZE}&d=404`;
  return await getImage(internet, url);
}

/**
 * Returns the icon of a domain: the first that its page names and that is an image, else /favicon.ico.
 * Source: https://html.spec.whatwg.org/multipage/links.html#rel-icon
 */
export async function findIcon(internet: Internet, domain: string): Promise<Image | undefined> {
  const page = await getPage(internet, domain);
  const icons = [...iconsOf(page), new URL("/favicon.ico", page.url).href];
  for (const icon of new Set(icons)) {
    const image = await getImage(internet, icon).catch(ignoreRefused);
    if (image) return image;
  }
  return undefined;
}

/** Websites without https are asked without it. */
async function getPage(internet: Internet, domain: string): Promise<PublicAnswer> {
  const limits = { maximumBytes: MAXIMUM_PAGE, timeoutMs: TIMEOUT_MS };
  try {
    return await internet.get(`https://${domain}/`, limits);
  } catch (error) {
    if (!(error instanceof NoPublicAnswer && error.isTemporary)) throw error;
    return await internet.get(`http://${domain}/`, limits);
  }
}

/** @throws NoPublicAnswer also for a failure of the server, which a later request may not have. */
async function getImage(internet: Internet, url: string): Promise<Image | undefined> {
  const limits = { maximumBytes: MAXIMUM_IMAGE, timeoutMs: TIMEOUT_MS };
  const { status, bytes, isComplete } = await internet.get(url, limits);
  if (status === 429 || status >= 500) throw new NoPublicAnswer(`Status ${status}`, true);
  return status === 200 && isComplete ? imageOf(bytes) : undefined;
}

/** An icon at an address that is not allowed is no icon. */
function ignoreRefused(error: unknown): undefined {
  if (!(error instanceof NoPublicAnswer) || error.isTemporary) throw error;
}

/** Returns the URLs of the icons that an HTML page names. */
export function iconsOf({ url, bytes }: Pick<PublicAnswer, "url" | "bytes">): string[] {
  const page = new TextDecoder().decode(bytes);
  const links = [...page.matchAll(/<link\b[^>]{1,2000}>/gi)].map(([link]) => link)
    .filter((link) => /^(?:shortcut )?icon$|^apple-touch-icon/i.test(attribute(link, "rel")));
  return links.map((link) => attribute(link, "href").replaceAll("&amp;", "&"))
    .filter((href) => href !== "" && URL.canParse(href, url))
    .map((href) => new URL(href, url).href).slice(0, MAXIMUM_ICONS);
}

function attribute(tag: string, name: string): string {
  const pattern = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, "i");
  const [, double, single, bare] = pattern.exec(tag) ?? [];
  return (double ?? single ?? bare ?? "").trim();
}
