/** A server of the scene's CA that answers every upload with 400 and words of the test's choice. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { TestContext } from 'node:test'
import { issueServer } from '../../../demo/certificate-authority.ts'
import type { Inputs, Scene } from './scene.ts'
import { ONE_BY_ONE } from './scripted-index.ts'

/** `words` gets the Authorization header of the request. Returns its inputs, as of a scripted index. */
export async function startEchoingIndex(
  test: TestContext,
  { root }: Scene,
  words: (authorization: string) => { readonly reason: string; readonly body: string },
): Promise<Inputs> {
  const { pem: cert, keyPem: key } = issueServer(root, { name: 'echo' })
  const server = createServer({ cert, key, ca: root.pem, requestCert: true }, (request, response) => {
    request.resume().on('end', () => {
      const { reason, body } = words(request.headers.authorization ?? '')
      response.writeHead(400, reason, { 'content-type': 'text/plain' }).end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP port')
  return { ...ONE_BY_ONE, 'repository-url': `https://localhost:${address.port}/legacy/` }
}
