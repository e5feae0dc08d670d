/**
 * The toolkit brings an HTTP client for services that this action does not use, and with it a second way to the network
 * that knows neither `ca-bundle` nor the client certificate. It would cost a fifth of the start, too.
 */
export class HttpClient {
  constructor() {
    throw new Error("this action speaks HTTP through its own transport, not the toolkit's client")
  }
}

export class BearerCredentialHandler extends HttpClient {}
