/** A TCP relay in front of the database that counts network round trips. */

export interface Relay extends AsyncDisposable {
  port: number;
  /** Returns the round trips since the last call: how often the client sent after an answer. */
  take(): number;
}

/** Relays every connection to `port`. */
export function startRelay(port: number): Relay {
  let roundTrips = 0;
  const connections = new Set<Deno.TcpConn>();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accept = async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      let answered = true;
      connections.add(client).add(server);
      relay(client, server, () => {
        if (answered) roundTrips++;
        answered = false;
      });
      relay(server, client, () => answered = true);
    }
  };
  const accepting = accept();
  return {
    port: listener.addr.port,
    take() {
      const count = roundTrips;
      roundTrips = 0;
      return count;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of connections) close(connection);
      await accepting;
    },
  };
}

async function relay(from: Deno.TcpConn, to: Deno.TcpConn, passing: () => void): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      passing();
      for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
    }
  } catch {
    // One side has closed the connection. The other one is closed below.
  }
  close(from);
  close(to);
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
