/** nginx in front of an index that speaks plain HTTP: whoever has no certificate of the right CA gets one of its 400 pages. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Issued } from '../../../demo/certificate-authority.ts'
import { nginx } from './programs.ts'
import { startServer } from './server-process.ts'

export interface FrontOptions {
  /** Made here; holds configuration, key, logs and bodies under way. */
  readonly directory: string
  readonly port: number
  /** Port of the index on the loopback interface. */
  readonly indexPort: number
  /** Ports of what lies below certain paths. Default: nothing does. */
  readonly places?: Readonly<Record<string, number>>
  readonly server: Issued
  /** PEM of the CAs that a client's chain must reach. */
  readonly clientAuthorities: string
  /** As nginx writes them. Default: both that are in use. */
  readonly protocols?: 'TLSv1.2' | 'TLSv1.3' | 'TLSv1.2 TLSv1.3'
  /** Longest request body, as nginx writes sizes. Default: no limit (nginx's own is 1 MB, which refuses most wheels). */
  readonly maxBody?: string
}

/** One line of the access log. */
export interface FrontRequest {
  /** `SUCCESS`, `NONE`, or `FAILED:` and OpenSSL's reason. */
  readonly verdict: string
  /** Subject of the client's certificate (RFC 2253). */
  readonly subject: string
  readonly protocol: string
  /** For example `POST / HTTP/1.1`. */
  readonly request: string
  readonly status: number
}

export interface Front {
  readonly url: string
  requests(): Promise<FrontRequest[]>
  log(): string
  stop(): Promise<void>
}

export async function startFront(options: FrontOptions): Promise<Front> {
  const { directory, port } = options
  await mkdir(directory, { recursive: true })
  const write = (name: string, text: string) => writeFile(path.join(directory, name), text, { mode: 0o600 })
  await write('server.pem', options.server.pem)
  await write('server.key', options.server.keyPem)
  await write('client-authorities.pem', options.clientAuthorities)
  await write('nginx.conf', configuration(options))
  const args = ['-p', `${directory}/`, '-c', 'nginx.conf']
  const process = await startServer({ name: 'nginx', program: nginx, args, port, directory, startMs: 10_000 })
  return {
    url: `https://localhost:${port}/`,
    requests: async () =>
      (await readFile(path.join(directory, 'access.log'), 'utf8')).split('\n').flatMap(parseRequest),
    log: () => process.log(),
    stop: () => process.stop(),
  }
}

function parseRequest(line: string): FrontRequest[] {
  const [verdict, subject, protocol, request, status] = line.split('\t')
  if (verdict === undefined || subject === undefined || protocol === undefined || request === undefined) return []
  return [{ verdict, subject, protocol, request, status: Number(status) }]
}

function configuration(options: FrontOptions): string {
  const { port, indexPort, places = {}, protocols = 'TLSv1.2 TLSv1.3', maxBody = '0' } = options
  const locations = Object.entries({ ...places, '/': indexPort }).map(
    ([place, to]) => `    location ${place} {
      proxy_pass http://127.0.0.1:${to};
    }`,
  )
  return `# One process, so that one pid is all there is to end.
daemon off;
master_process off;
pid nginx.pid;
error_log stderr info;
events {}
http {
  log_format fields "$ssl_client_verify\\t$ssl_client_s_dn\\t$ssl_protocol\\t$request\\t$status";
  access_log access.log fields;
  server {
    listen 127.0.0.1:${port} ssl;
    server_name localhost;
    ssl_certificate server.pem;
    ssl_certificate_key server.key;
    ssl_protocols ${protocols};
    ssl_client_certificate client-authorities.pem;
    ssl_verify_client on;
    client_max_body_size ${maxBody};
    # With $host the port is lost, and the index writes links that lead nowhere.
    proxy_set_header Host $http_host;
    proxy_set_header X-Outside-Url https://$http_host;
    proxy_set_header X-Forwarded-Proto https;
${locations.join('\n')}
  }
}
`
}
