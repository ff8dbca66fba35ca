/** Names and connections. Tests pass a network of their own. */

/** An open connection. `read` returns the number of bytes, or null at the end. */
export interface Connection {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

export interface Network {
  /** Returns the addresses of a name. Returns none when the name does not exist. */
  resolve(name: string): Promise<string[]>;
  /** Connects to an address. `tlsName` is the name that a TLS certificate must prove. */
  connect(address: string, port: number, tlsName: string | undefined): Promise<Connection>;
}

/** The network of the function. */
export const hostNetwork: Network = {
  resolve: async (name) => {
    const addresses = await lookUp(name, "A");
    return addresses.length > 0 ? addresses : await lookUp(name, "AAAA");
  },
  connect: async (hostname, port, tlsName) => {
    const connection = await Deno.connect({ hostname, port });
    if (tlsName === undefined) return connection;
    try {
      return await Deno.startTls(connection, { hostname: tlsName });
    } catch (error) {
      close(connection);
      throw error;
    }
  },
};

/** Closes a connection. Does nothing when it is closed already. */
export function close(connection: Connection): void {
  try {
    connection.close();
  } catch {
    // The other side has closed it, or TLS took it over.
  }
}

async function lookUp(name: string, type: "A" | "AAAA"): Promise<string[]> {
  try {
    return await Deno.resolveDns(name, type);
  } catch (error) {
    if (error instanceof Error && error.name === "NotFound") return [];
    throw error;
  }
}
