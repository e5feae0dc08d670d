/** What other readers of zip and tar archives find in one: ours must never accept what they read differently. */
import { posix } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'
import tarStream from 'tar-stream'
import yauzl from 'yauzl'

/** Every content that yauzl finds under this name (however it is written: `./a//b` is `a/b`); rejects where it refuses the archive. */
export async function readByYauzl(archive: Buffer, name: string): Promise<Buffer[]> {
  const zip = await yauzl.fromBufferPromise(archive, { lazyEntries: true })
  const found: Buffer[] = []
  for await (const entry of zip.eachEntry()) {
    if (posix.normalize(entry.fileName) === name) found.push(await buffer(await zip.openReadStreamPromise(entry)))
  }
  return found
}

/** Every content that tar-stream finds under this name (however it is written); rejects where it refuses the archive. */
export async function readByTarStream(archive: Buffer, name: string): Promise<Buffer[]> {
  const extract = tarStream.extract()
  const inflated = Readable.from([archive]).pipe(createGunzip())
  inflated.on('error', (error) => extract.destroy(error))
  inflated.pipe(new PassThrough()).pipe(extract)
  const found: Buffer[] = []
  for await (const entry of extract) {
    const content = await buffer(entry)
    if (posix.normalize(entry.header.name) === name) found.push(content)
  }
  return found
}
