/**
 * Addresses of the public internet. Every other address may lead into the network of the function:
 * its own services, and the metadata service of the platform.
 */
import ipaddr from "ipaddr.js";

/** Azure's metadata service has a public address. The others have link-local or private ones. */
const METADATA = ["168.63.129.16"];
/** The addresses that IANA assigns to hosts of the public internet. */
const GLOBAL_IPV6 = ipaddr.parseCIDR("2000::/3");

/** Whether a text is an IP address, and one of the public internet. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4"
    ? !METADATA.includes(parsed.toString())
    : parsed.match(GLOBAL_IPV6);
}

/** Returns the host of a URL when it is an IP address; undefined when it is a name. */
export function literalAddress({ hostname }: URL): string | undefined {
  const address = hostname.replace(/^\[|\]$/g, "");
  return ipaddr.isValid(address) ? address : undefined;
}
